// SPDX-License-Identifier: Apache-2.0
#include "test/ovs/random_node.h"

#include <fmt/format.h>

#include <array>

#include "test/support/netns.h"

namespace directfaas::backend {
namespace {

constexpr int kFunctions = 4;
constexpr int kPods = 10;  // the first kLocalPods of them are on this node
constexpr int kSure = kLocalPods;
constexpr const char* kNamespace = "shop";
constexpr std::uint16_t kOpenPort = 22;
constexpr std::array<std::uint16_t, 6> kPorts{80, 53, 8080, 5353, kOpenPort, 9999};

util::IpAddress parse(const std::string& text) { return util::IpAddress::parse(text).value(); }

util::IpAddress vip(int function, bool v4) {
    return parse(fmt::format("{}{}", v4 ? "10.96.0." : "fd00:96::", function + 1));
}

std::string function_name(int function) { return fmt::format("f{}", function); }

}  // namespace

std::string Sent::text() const {
    return fmt::format("{} {} -> {}, protocol {}, flags {:#x}, from {}", source_port, source.text(),
                       util::endpoint_text(destination, destination_port), protocol, tcp_flags,
                       from == kElsewhere ? "elsewhere" : fmt::format("pod {}", from));
}

support::Bytes frame_of(const Sent& packet, const support::Eth& ethernet, const std::string& text) {
    const bool v4 = packet.source.is_v4();
    support::Packet frame =
        v4 ? ethernet / support::Ip4{.src = packet.source, .dst = packet.destination}
           : ethernet / support::Ip6{.src = packet.source, .dst = packet.destination};
    const std::uint32_t echo = packet.source_port * 0x10000U + 1;
    switch (packet.protocol) {
        case 6:
            frame /= support::Tcp{.sport = packet.source_port,
                                  .dport = packet.destination_port,
                                  .seq = packet.seq,
                                  .ack = packet.ack,
                                  .flags = packet.tcp_flags};
            break;
        case 17:
            frame /= support::Udp{.sport = packet.source_port, .dport = packet.destination_port};
            break;
        default:
            v4 ? frame /= support::Icmp4{.rest = echo} : frame /= support::Icmp6{.rest = echo};
    }
    return (frame / support::Raw{text}).bytes();
}

RandomNode::RandomNode(unsigned seed) : random_(seed) {
    for (int pod = 0; pod < kPods; ++pod) {
        // One more is the entry, two more nobody: such a pod is not attached.
        function_of_.push_back(below(kFunctions + (pod < kLocalPods ? 1 : 2)));
    }
    // A caller here and two instances there, with an edge: calls come through in each node.
    function_of_[0] = 0;
    function_of_[kSure] = function_of_[kSure + 1] = 1;
    add_chain();
    for (int function = 0; function < kFunctions; ++function) {
        add_service(function);
        add_slices(function);
    }
    add_pods();
}

void RandomNode::add_chain() {
    model::FunctionChain chain;
    chain.name = {kNamespace, "chain"};
    chain.enforcement = static_cast<model::Enforcement>(chance(60) ? 2 : below(2));
    for (int i = 0; i < kFunctions; ++i) {
        model::ChainFunction function;
        function.name = function_name(i);
        function.service = function.name;
        function.ingress = chance(30);
        function.allow_self = chance(20);
        function.scale_from_zero =
            chance(50) ? model::ScaleFromZero::kDirect : model::ScaleFromZero::kDisabled;
        if (chance(40)) {
            function.open_ports = {{kOpenPort, util::Protocol::kTcp}};
        }
        chain.functions.push_back(function);
        for (int caller = 0; caller < i; ++caller) {
            if (chance(60) || i == 1) {
                chain.edges.push_back({function_name(caller), function.name, {}});
            }
        }
    }
    chain.entries.push_back({"entry", {{"app", function_name(kFunctions)}}, {}});
    objects_.push_back({"chain", {chain}});
}

void RandomNode::add_service(int function) {
    model::Service service;
    service.name = {kNamespace, function_name(function)};
    service.cluster_ips = {vip(function, true), vip(function, false)};
    service.selector = {{"app", function_name(function)}};
    service.ports.push_back({"http", 80, util::Protocol::kTcp});
    if (chance(60)) {
        service.ports.push_back({"dns", 53, util::Protocol::kUdp});
    }
    objects_.push_back({service.name.name, {service}});
}

void RandomNode::add_slices(int function) {
    const bool deserted = function != 1 && chance(25);
    for (const bool v4 : {true, false}) {
        model::EndpointSlice slice;
        slice.name = {kNamespace, fmt::format("{}-{}", function_name(function), v4 ? 4 : 6)};
        slice.service = function_name(function);
        slice.ports = {{"http", 8080, util::Protocol::kTcp}, {"dns", 5353, util::Protocol::kUdp}};
        for (int pod = 0; pod < kPods; ++pod) {
            if (function_of_[static_cast<std::size_t>(pod)] == function && !deserted) {
                const bool sure = pod == kSure || pod == kSure + 1;
                const bool ending = !sure && chance(15);
                slice.endpoints.push_back(
                    {pod_address(pod, v4), !ending && (sure || chance(85)), true, ending});
            }
        }
        objects_.push_back({slice.name.name, {slice}});
    }
}

void RandomNode::add_pods() {
    for (int i = 0; i < kPods; ++i) {
        model::Pod pod;
        pod.name = {kNamespace, fmt::format("pod{}", i)};
        pod.labels = {{"app", function_name(function_of_[static_cast<std::size_t>(i)])}};
        pod.node = i < kLocalPods ? "here" : "there";
        pod.ips = {pod_address(i, true), pod_address(i, false)};
        objects_.push_back({pod.name.name, {pod}});
    }
}

util::IpAddress RandomNode::pod_address(int pod, bool v4) {
    return parse(fmt::format("{}{}", v4 ? "10.1.0." : "fd00:1::", pod + 1));
}

model::RuleSet RandomNode::rules(const std::vector<unsigned>& interfaces) const {
    model::Model model(model::NodeSettings{"here", {}});
    if (const auto taken = model.replace_all(objects_); !taken) {
        throw support::SupportError(taken.error().front().text());
    }
    for (std::size_t i = 0; i < interfaces.size(); ++i) {
        static_cast<void>(model.set_link({kNamespace, fmt::format("pod{}", i)},
                                         model::Link{interfaces[i], i % 2 == 0}));
    }
    return model.rules();
}

util::IpAddress RandomNode::any_destination(int from, bool v4) {
    switch (below(5)) {
        case 0:
            return parse(v4 ? "192.0.2.7" : "2001:db8::7");
        case 1:
            // A packet to oneself leaves no pod.
            return pod_address((from + 1 + below(kPods - 1)) % kPods, v4);
        default:
            return vip(below(kFunctions), v4);
    }
}

Sent RandomNode::opening() {
    const bool v4 = chance(50);
    Sent packet;
    packet.from = chance(75) ? below(kLocalPods) : kElsewhere;
    packet.source_port = next_port_++;
    packet.destination_port = kPorts.at(static_cast<std::size_t>(below(kPorts.size())));
    packet.protocol = chance(60) ? 6 : chance(70) ? 17 : v4 ? 1 : 58;
    if (chance(10)) {
        packet.tcp_flags = support::tcp_flag::kAck;
    }
    if (packet.from == kElsewhere) {
        packet.destination = pod_address(below(kLocalPods), v4);
        packet.source = chance(40) ? parse(v4 ? "192.0.2.7" : "2001:db8::7")
                                   : pod_address(kLocalPods + below(kPods), v4);
    } else {
        packet.destination = any_destination(packet.from, v4);
        packet.source = pod_address(chance(92) ? packet.from : below(kPods), v4);
    }
    return packet;
}

Sent RandomNode::call(int pod, const model::RouteKey& route) {
    Sent packet;
    packet.from = pod;
    packet.source = pod_address(pod, route.vip.is_v4());
    packet.destination = route.vip;
    packet.source_port = next_port_++;
    packet.destination_port = route.port;
    packet.protocol = static_cast<std::uint8_t>(route.protocol);
    return packet;
}

}  // namespace directfaas::backend
