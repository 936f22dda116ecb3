// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>

#include "agent/backend/veth.h"
#include "test/ovs/sides.h"
#include "test/support/wait.h"

namespace directfaas::backend {
namespace {

constexpr support::Mac kBridgeMac{0xee, 0xee, 0xee, 0xee, 0xee, 0xee};

}  // namespace

Wire::Wire(const support::Netns& netns, const std::string& interface) {
    netns.run([&] {
        socket_.reset(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_ll place{};
        place.sll_family = AF_PACKET;
        place.sll_protocol = htons(ETH_P_ALL);
        place.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
        if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0) {
            support::throw_errno("listen at " + interface);
        }
    });
}

void Wire::send(const support::Bytes& frame) const {
    if (::send(socket_.get(), frame.data(), frame.size(), 0) !=
        static_cast<ssize_t>(frame.size())) {
        support::throw_errno("send a frame");
    }
}

std::vector<support::ParsedPacket> Wire::receive() const {
    std::vector<support::ParsedPacket> packets;
    support::Bytes buffer(65536);
    sockaddr_ll from{};
    for (;;) {
        socklen_t length = sizeof from;
        const auto size = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &length);
        if (size < 0) {
            return packets;
        }
        const std::span frame(buffer.data(), static_cast<std::size_t>(size));
        const auto parsed = support::parse_frame(frame);
        if (from.sll_pkttype != PACKET_OUTGOING && parsed && parsed->ip_version != 0) {
            EXPECT_EQ(support::checksum_problem(frame), "");
            packets.push_back(*parsed);
        }
    }
}

OvsSide::OvsSide() : arrived_(kLocalPods + 1) {
    node().sysctl({{"ipv6/conf/all/disable_ipv6", "1"}, {"ipv6/conf/default/disable_ipv6", "1"}});
    for (int i = 0; i < kLocalPods; ++i) {
        const auto name = fmt::format("v{}", i);
        interfaces_.push_back(add_port(name));
        node().ip({fmt::format("link set {} arp off", name), fmt::format("link set {}p up", name)});
        wires_.emplace_back(node(), name + "p");
    }
    wires_.emplace_back(node(), vswitch().bridge());
    // From then on the bridge knows where its own address is.
    send(kElsewhere,
         (support::Eth{.src = kBridgeMac, .dst = {255, 255, 255, 255, 255, 255}} / support::Arp{})
             .bytes());
}

void OvsSide::make_all(const model::RuleSet& rules, const Settings& settings) {
    in_node([&] {
        const auto configured = backend().configure(settings);
        ASSERT_TRUE(configured) << configured.error().text();
    });
    make(rules);
}

support::Eth OvsSide::ethernet(int from) const {
    if (from == kElsewhere) {
        return {.src = kBridgeMac, .dst = {2, 0, 0, 0, 0, 9}};
    }
    const auto mac = node().run(
        [&] { return veth_facts(interfaces_.at(static_cast<std::size_t>(from))).value().pod_mac; });
    return {.src = mac, .dst = kBridgeMac};
}

void OvsSide::send(int from, const support::Bytes& frame) { wires_.at(wire_of(from)).send(frame); }

void OvsSide::poll() {
    in_node([&] { backend().drain(report_.sink()); });
    for (std::size_t i = 0; i < wires_.size(); ++i) {
        for (auto& packet : wires_[i].receive()) {
            arrived_[i].push_back(std::move(packet));
        }
    }
}

std::optional<support::ParsedPacket> OvsSide::next_at(int place) {
    auto& arrived = arrived_.at(wire_of(place));
    const bool came = support::wait_until([&] {
        poll();
        return !arrived.empty();
    });
    if (!came) {
        return std::nullopt;
    }
    auto packet = std::move(arrived.front());
    arrived.erase(arrived.begin());
    return packet;
}

std::optional<support::ParsedPacket> OvsSide::next_anywhere(int& place) {
    const bool came = support::wait_until([&] {
        poll();
        for (int pod = kElsewhere; pod < kLocalPods; ++pod) {
            if (!arrived_.at(wire_of(pod)).empty()) {
                place = pod;
                return true;
            }
        }
        return false;
    });
    return came ? next_at(place) : std::nullopt;
}

bool OvsSide::wait_held(std::uint16_t source_port) {
    return support::wait_until([&] {
        poll();
        return report_.held.contains(source_port);
    });
}

void OvsSide::replay_held(std::uint16_t source_port) {
    const auto sent = in_node(
        [&] { return backend().replay(report_.held.at(source_port), ReplayAction::kJudge); });
    ASSERT_TRUE(sent) << sent.error().text();
}

std::vector<std::string> OvsSide::left() {
    poll();
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < arrived_.size(); ++i) {
        for (const auto& packet : arrived_[i]) {
            texts.push_back(fmt::format("at {}: {}", i, describe(packet)));
        }
    }
    return texts;
}

const Report& OvsSide::report() {
    poll();
    return report_;
}

Counters OvsSide::counters() {
    const auto counters = in_node([&] { return backend().counters(); });
    EXPECT_TRUE(counters) << counters.error().text();
    return counters.value_or(Counters());
}

std::string describe(const support::ParsedPacket& packet) {
    const auto text =
        fmt::format("{} -> {}, protocol {}, ttl {}, flags {:#x}, seq {}, ack {}, icmp {}/{}/{:#x}",
                    util::endpoint_text(packet.src, packet.sport),
                    util::endpoint_text(packet.dst, packet.dport), packet.protocol, packet.ttl,
                    packet.tcp_flags, packet.seq, packet.ack, packet.icmp_type, packet.icmp_code,
                    packet.icmp_rest);
    // How much of a packet an error quotes is its sender's choice.
    return packet.quoted ? text + ", about " + describe(*packet.quoted) : text;
}

}  // namespace directfaas::backend
