// SPDX-License-Identifier: Apache-2.0
// Every reason in maps/verdicts.h can happen, and is counted once when it does.
#include <functional>
#include <map>
#include <tuple>

#include "test/packet/world.h"

namespace directfaas::packet {
namespace {

namespace flag = support::tcp_flag;

class Reason : public World, public testing::WithParamInterface<std::tuple<Family, int>> {
   protected:
    using Provoke = void (Reason::*)();

    [[nodiscard]] Family family() const override { return std::get<0>(GetParam()); }

    void syn(int to, std::uint16_t port = 80, Metadata metadata = {}) {
        sw.from_pod(caller_if, tcp(pod(1), 40000, vip(to), port), metadata);
    }
    void ack(const std::string& to, std::uint16_t port) {
        sw.from_pod(caller_if, tcp(pod(1), 40000, to, port, flag::kAck));
    }
    void set(std::uint32_t df_config::* field, std::uint32_t value) {
        auto config = sw.config();
        config.*field = value;
        sw.configure(config);
    }
    void flood() {
        for (std::uint16_t port = 1; port <= 513; ++port) {
            sw.from_pod(caller_if, tcp(pod(1), port, vip(2), 80));
        }
    }
    [[nodiscard]] support::Bytes fragment(std::size_t which) const {
        return support::fragment(udp(pod(1), 1, vip(2), 80, std::string(3000, 'x')), 1280,
                                 1)[which];
    }
    [[nodiscard]] Metadata marked(std::uint32_t mark) const {
        return {.mark = mark, .forwarded = false};
    }

    void midflow() { ack(pod(2), 8080); }
    void probe() { sw.to_pod(callee_if, tcp(outside(1), 1, pod(2), 8080), {.forwarded = false}); }
    void held() {
        sw.route(9, vip(2), 80, IPPROTO_TCP, kCallee, {}, DF_VIP_HOLD);
        syn(2);
    }
    void held_source() {
        set(&df_config::pod_network_count, 1);  // a prefix of length zero: everything
        sw.to_pod(callee_if, tcp(pod(99), 1, pod(2), 8080));
    }
    void unknown_source() {
        set(&df_config::pod_network_count, 1);
        sw.to_pod(callee_if, tcp(pod(99), 1, pod(2), 8080), marked(sw.config().mark_refuse));
    }
    void audited() { syn(5); }
    void no_edge() { syn(3); }
    void edge_revoked() {
        syn(2);
        sw.revoke(kEdgeCall);
        ack(vip(2), 80);
    }
    void port_closed() { syn(2, 4444); }
    void no_endpoint() { syn(2, 81); }
    void hold_expired() { syn(2, 80, marked(sw.config().mark_refuse)); }
    void hold_full() {
        sw.route(9, vip(2), 80, IPPROTO_UDP, kCallee, {}, DF_VIP_HOLD);
        sw.from_pod(caller_if, udp(pod(1), 1, vip(2), 80, std::string(3000, 'x')));
    }
    void replay_reset() {
        syn(2, 80, marked(sw.config().mark_replay));
        answer_call(40000, flag::kRst | flag::kAck);
    }
    void endpoint_gone() {
        syn(2);
        sw.endpoint_state(kInstanceOne, DF_EP_FREE);
        ack(vip(2), 80);
    }
    void stale_flow() { ack(vip(2), 80); }
    void spoofed() { sw.from_pod(caller_if, tcp(pod(4), 1, vip(3), 80)); }
    void ct_full() { flood(); }
    void ct_budget() {
        set(&df_config::budget_live, 512);
        flood();
    }
    /// Pod-IP calls have taken every source port that the call to the vIP could get on the wire.
    void tuple_collision() {
        for (int tries = 0; tries < 4; ++tries) {
            const auto other = static_cast<std::uint16_t>(32768 + (40000 + tries * 7919) % 28232);
            sw.from_pod(caller_if,
                        tcp(pod(1), tries == 0 ? std::uint16_t{40000} : other, pod(2), 8080));
        }
        syn(2);
    }
    void lone_fragment() { sw.from_pod(caller_if, fragment(1)); }
    void malformed() {
        auto cut = tcp(pod(1), 1, vip(2), 80);
        cut.resize(v4() ? 40 : 60);  // in the middle of the TCP header
        sw.from_pod(caller_if, cut);
    }
    void vlan() {
        sw.from_pod(
            caller_if,
            (support::Eth{} / support::Vlan{} / support::Raw{std::string(40, 'x')}).bytes());
    }
    void unsupported_proto() {
        sw.from_pod(caller_if, v4() ? (ip(pod(1), vip(2)) / support::Icmp4{}).bytes()
                                    : (ip(pod(1), vip(2)) / support::Icmp6{}).bytes());
    }

    static const std::map<df_reason, Provoke>& ways();
};

const std::map<df_reason, Reason::Provoke>& Reason::ways() {
    static const std::map<df_reason, Provoke> all = {
        {DF_REASON_MIDFLOW, &Reason::midflow},
        {DF_REASON_PROBE, &Reason::probe},
        {DF_REASON_HELD, &Reason::held},
        {DF_REASON_HELD_SOURCE, &Reason::held_source},
        {DF_REASON_AUDITED, &Reason::audited},
        {DF_REASON_NO_EDGE, &Reason::no_edge},
        {DF_REASON_EDGE_REVOKED, &Reason::edge_revoked},
        {DF_REASON_PORT_CLOSED, &Reason::port_closed},
        {DF_REASON_NO_ENDPOINT, &Reason::no_endpoint},
        {DF_REASON_HOLD_EXPIRED, &Reason::hold_expired},
        {DF_REASON_HOLD_FULL, &Reason::hold_full},
        {DF_REASON_REPLAY_RESET, &Reason::replay_reset},
        {DF_REASON_ENDPOINT_GONE, &Reason::endpoint_gone},
        {DF_REASON_STALE_FLOW, &Reason::stale_flow},
        {DF_REASON_SPOOFED, &Reason::spoofed},
        {DF_REASON_UNKNOWN_SOURCE, &Reason::unknown_source},
        {DF_REASON_CT_FULL, &Reason::ct_full},
        {DF_REASON_CT_BUDGET, &Reason::ct_budget},
        {DF_REASON_TUPLE_COLLISION, &Reason::tuple_collision},
        {DF_REASON_FRAGMENT, &Reason::lone_fragment},
        {DF_REASON_MALFORMED, &Reason::malformed},
        {DF_REASON_VLAN, &Reason::vlan},
        {DF_REASON_UNSUPPORTED_PROTO, &Reason::unsupported_proto},
    };
    return all;
}

/// Outcomes no packet can provoke: nothing to report; reported as an event, not counted; a kernel
/// that has no memory to change a packet.
bool not_by_packet(df_reason reason) {
    return reason == DF_REASON_NONE || reason == DF_REASON_FORWARDED ||
           reason == DF_REASON_REWRITE_FAILED;
}

TEST_P(Reason, HappensAndIsCountedOnce) {
    const auto reason = static_cast<df_reason>(std::get<1>(GetParam()));
    if (not_by_packet(reason)) {
        return;
    }
    if (reason == DF_REASON_HELD_SOURCE && !Switch::ingress_supported()) {
        GTEST_SKIP() << "this kernel's test runs cannot set ingress_ifindex";
    }
    const auto way = ways().find(reason);
    ASSERT_NE(way, ways().end()) << "no packet here provokes this reason";
    (this->*way->second)();
    EXPECT_EQ(sw.counted(reason, DF_HOOK_FROM_POD) + sw.counted(reason, DF_HOOK_TO_POD), 1U);
}

std::string reason_case(const testing::TestParamInfo<std::tuple<Family, int>>& info) {
    static const std::map<int, std::string> names = {
#define X(name, text, cls, doc) {DF_REASON_##name, text},
        DF_REASONS(X)
#undef X
    };
    return names.at(std::get<1>(info.param)) +
           (std::get<0>(info.param) == Family::kV4 ? "_v4" : "_v6");
}

INSTANTIATE_TEST_SUITE_P(All, Reason,
                         testing::Combine(testing::Values(Family::kV4, Family::kV6),
                                          testing::Range(0, static_cast<int>(DF_REASON_MAX))),
                         reason_case);

}  // namespace
}  // namespace directfaas::packet
