// SPDX-License-Identifier: Apache-2.0
#include "test/packet/world.h"

namespace directfaas::packet {

using support::Bytes;
namespace flag = support::tcp_flag;

std::string family_name(const testing::TestParamInfo<Family>& info) {
    return info.param == Family::kV4 ? "v4" : "v6";
}

std::string World::pod(int n) const { return (v4() ? "10.1.0." : "fd00:1::") + std::to_string(n); }
std::string World::vip(int n) const {
    return (v4() ? "10.96.0." : "fd00:96::") + std::to_string(n);
}
std::string World::outside(int n) const {
    return (v4() ? "192.0.2." : "2001:db8::") + std::to_string(n);
}

support::Packet World::ip(const std::string& from, const std::string& to) const {
    if (v4()) {
        return support::Eth{} / support::Ip4{.src = from, .dst = to};
    }
    return support::Eth{} / support::Ip6{.src = from, .dst = to};
}

Bytes World::tcp(const std::string& from, std::uint16_t sport, const std::string& to,
                 std::uint16_t dport, std::uint8_t flags, const std::string& payload) const {
    return (ip(from, to) /
            support::Tcp{.sport = sport, .dport = dport, .seq = 1000, .ack = 2000, .flags = flags} /
            support::Raw{payload})
        .bytes();
}

Bytes World::udp(const std::string& from, std::uint16_t sport, const std::string& to,
                 std::uint16_t dport, const std::string& payload) const {
    return (ip(from, to) / support::Udp{.sport = sport, .dport = dport} / support::Raw{payload})
        .bytes();
}

Bytes World::unreachable(const std::string& from, const std::string& to, const Bytes& about) const {
    if (v4()) {
        return (ip(from, to) / support::Icmp4{.type = 3, .code = 3, .rest = 0} /
                support::quote(about))
            .bytes();
    }
    return (ip(from, to) / support::Icmp6{.type = 1, .code = 4, .rest = 0} /
            support::quote(about, 40))
        .bytes();
}

support::ParsedPacket World::look(const Bytes& frame) {
    EXPECT_EQ(support::checksum_problem(frame), "");
    auto parsed = support::parse_frame(frame);
    if (!parsed) {
        ADD_FAILURE() << parsed.error().text();
        return {};
    }
    return *parsed;
}

void World::SetUp() {
    sw.identity(kCaller, DF_FN_FUNCTION, 0, "caller");
    sw.identity(kCallee, DF_FN_FUNCTION, 0, "callee");
    sw.identity(kShop, DF_FN_FUNCTION, DF_FN_INGRESS, "shop");
    sw.identity(kGateway, DF_FN_ENTRY, 0, "gateway");
    sw.identity(kAudited, DF_FN_FUNCTION, DF_FN_AUDIT, "audited");
    sw.identity(kFree, DF_FN_FUNCTION, DF_FN_DISABLED, "free");
    sw.veth(caller_if, kCaller, {pod(1)});
    sw.veth(callee_if, kCallee, {pod(2)});
    sw.address(pod(1), kCaller, DF_ADDR_POD);
    sw.address(pod(2), kCallee, DF_ADDR_POD);
    sw.address(pod(3), kCallee, DF_ADDR_POD);
    sw.address(pod(4), kGateway, DF_ADDR_POD);
    sw.address(pod(5), kAudited, DF_ADDR_POD);
    sw.address(pod(6), kShop, DF_ADDR_POD);
    sw.address(pod(7), kFree, DF_ADDR_POD);
    for (const auto& [n, fn] : {std::pair{2, kCallee}, {3, kShop}, {5, kAudited}, {7, kFree}}) {
        sw.address(vip(n), fn, DF_ADDR_VIP);
        sw.port(fn, 8080, IPPROTO_TCP, DF_PORT_SERVED);
        sw.port(fn, 8080, IPPROTO_UDP, DF_PORT_SERVED);
    }
    sw.port(kCallee, 9090, IPPROTO_TCP, DF_PORT_OPEN);
    sw.edge(kEdgeCall, kCaller, kCallee);
    sw.edge(kEdgeOutsideShop, kOutside, kShop);
    sw.edge(kEdgeGatewayShop, kGateway, kShop);
    sw.endpoint(kInstanceOne, pod(2), 8080);
    sw.endpoint(kInstanceTwo, pod(3), 8080);
    sw.endpoint(13, pod(6), 8080);
    sw.endpoint(14, pod(5), 8080);
    sw.endpoint(15, pod(7), 8080);
    sw.route(kRouteTcp, vip(2), 80, IPPROTO_TCP, kCallee, {kInstanceOne});
    sw.route(kRouteUdp, vip(2), 80, IPPROTO_UDP, kCallee, {kInstanceOne});
    sw.route(kRouteShop, vip(3), 80, IPPROTO_TCP, kShop, {13});
    sw.route(kRouteAudited, vip(5), 80, IPPROTO_TCP, kAudited, {14});
    sw.route(kRouteFree, vip(7), 80, IPPROTO_TCP, kFree, {15});
    sw.route(kRouteEmpty, vip(2), 81, IPPROTO_TCP, kCallee, {}, 0);
}

Outcome World::open_call(std::uint16_t sport) {
    auto outcome = sw.from_pod(caller_if, tcp(pod(1), sport, vip(2), 80));
    EXPECT_EQ(outcome.verdict, kNext) << "the call was not forwarded";
    return outcome;
}

Outcome World::answer_call(std::uint16_t sport, std::uint8_t flags) {
    return sw.to_pod(caller_if, tcp(pod(2), 8080, pod(1), sport, flags));
}

}  // namespace directfaas::packet
