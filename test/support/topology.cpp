// SPDX-License-Identifier: Apache-2.0
// Neighbours between pod and node are permanent entries and DAD is off, so that a pod can use its
// addresses in the first microsecond and no test ever waits for a resolution.
#include "test/support/topology.h"

#include <fmt/format.h>
#include <net/if.h>

#include <mutex>

namespace directfaas::support {
namespace {

constexpr const char* kHostMac = "ee:ee:ee:ee:ee:ee";
constexpr const char* kPortMac = "0e:00:00:00:00:01";  // of the ports of a bridge
constexpr const char* kGateway4 = "169.254.1.1";
constexpr const char* kGateway6 = "fe80::1";

int number(NodeId id) { return static_cast<int>(id) + 1; }

util::IpAddress address(const std::string& text) {
    const auto parsed = util::IpAddress::parse(text);
    if (!parsed) {
        throw SupportError("not an address: " + text);
    }
    return *parsed;
}

/// Once for each process: what a crashed run left would only be confusing.
const std::string& after_cleaning(const std::string& prefix) {
    static std::once_flag once;
    std::call_once(once, remove_leftover_namespaces);
    return prefix;
}

DualAddress pod_address(NodeId node, int pod) {
    return {address(fmt::format("10.20{}.{}.{}", number(node), pod / 250, pod % 250 + 1)),
            address(fmt::format("fd00:20{}::{:x}", number(node), pod))};
}

void forward(const Netns& netns) {
    netns.sysctl({{"ipv4/ip_forward", "1"},
                  {"ipv6/conf/all/forwarding", "1"},
                  {"ipv4/conf/all/rp_filter", "0"},
                  {"ipv4/conf/default/rp_filter", "0"},
                  {"ipv4/icmp_ratelimit", "0"},
                  {"ipv6/icmp/ratelimit", "0"},
                  {"ipv6/conf/all/accept_dad", "0"},
                  {"ipv6/conf/default/accept_dad", "0"}});
}

}  // namespace

Topology::Topology(std::string prefix, NodeSwitch node_switch)
    : prefix_(std::move(prefix)),
      node_switch_(node_switch),
      router_(after_cleaning(prefix_) + "-router"),
      nodes_{Netns(prefix_ + "-node-a"), Netns(prefix_ + "-node-b")} {
    forward(router_);
    for (const NodeId id : {NodeId::kA, NodeId::kB}) {
        forward(nodes_[static_cast<int>(id)]);
        join(id);
    }
}

/// Connects a node with the router and routes its pods' addresses to it.
void Topology::join(NodeId id) {
    const int n = number(id);
    const Netns& node = nodes_[static_cast<int>(id)];
    node.ip({fmt::format("link add uplink type veth peer name node-{} netns {}", n, router_.name()),
             "link set uplink up", fmt::format("addr add 172.31.{}.1/24 dev uplink", n),
             fmt::format("addr add fd00:31:{}::1/64 dev uplink nodad", n)});
    router_.ip({fmt::format("link set node-{} up", n),
                fmt::format("addr add 172.31.{0}.254/24 dev node-{0}", n),
                fmt::format("addr add fd00:31:{0}::fe/64 dev node-{0} nodad", n),
                fmt::format("route add 10.20{0}.0.0/16 via 172.31.{0}.1", n),
                fmt::format("route add fd00:20{0}::/64 via fd00:31:{0}::1", n)});
    node.ip({fmt::format("route add default via 172.31.{}.254", n),
             fmt::format("route add ::/0 via fd00:31:{}::fe", n)});
    node.wait_until_up("uplink");
    router_.wait_until_up(fmt::format("node-{}", n));
    node.wait_until_delivered(node_addresses(id).v6);
    router_.wait_until_delivered(address(fmt::format("fd00:31:{}::fe", n)));
}

const DualAddress& Topology::node_addresses(NodeId id) const {
    static const std::array<DualAddress, 2> all{
        DualAddress{address("172.31.1.1"), address("fd00:31:1::1")},
        DualAddress{address("172.31.2.1"), address("fd00:31:2::1")}};
    return all[static_cast<int>(id)];
}

Pod& Topology::add_pod(NodeId id, const std::string& name, const PodOptions& options) {
    const int serial = next_pod_[static_cast<int>(id)]++;
    const Netns& node = nodes_[static_cast<int>(id)];
    const DualAddress ip = options.addresses.value_or(pod_address(id, serial));
    const std::string host =
        options.interface_name.empty() ? fmt::format("h{}", serial) : options.interface_name;
    const std::string index = options.ifindex == 0 ? "" : fmt::format("index {} ", options.ifindex);
    const std::string mac =
        fmt::format("0a:00:00:0{}:{:02x}:{:02x}", number(id), serial / 256, serial % 256);
    Netns pod(fmt::format("{}-p{}", prefix_, next_netns_++));
    pod.sysctl({{"ipv6/conf/default/accept_dad", "0"}, {"ipv6/conf/all/accept_dad", "0"}});
    // The kernel must not take what is for the bridge, whose ports it sees, too: another address.
    const char* host_mac = node_switch_ == NodeSwitch::kOvs ? kPortMac : kHostMac;
    const std::string towards = node_switch_ == NodeSwitch::kOvs ? vswitch(id).bridge() : host;
    node.ip(
        {fmt::format("link add {} {}address {} type veth peer name eth0 address {} netns {}", host,
                     index, host_mac, mac, pod.name()),
         fmt::format("link set {} up", host),
         fmt::format("neigh replace {} lladdr {} dev {} nud permanent", ip.v4.text(), mac, towards),
         fmt::format("neigh replace {} lladdr {} dev {} nud permanent", ip.v6.text(), mac, towards),
         fmt::format("route add {}/32 dev {}", ip.v4.text(), towards),
         fmt::format("route add {}/128 dev {}", ip.v6.text(), towards)});
    pod.ip({fmt::format("addr add {}/32 dev eth0", ip.v4.text()),
            fmt::format("addr add {}/128 dev eth0 nodad", ip.v6.text()), "link set eth0 up",
            fmt::format("neigh add {} lladdr {} dev eth0 nud permanent", kGateway4, kHostMac),
            fmt::format("neigh add {} lladdr {} dev eth0 nud permanent", kGateway6, kHostMac),
            fmt::format("route add {} dev eth0 scope link", kGateway4),
            fmt::format("route add default via {} dev eth0", kGateway4),
            fmt::format("route add ::/0 via {} dev eth0", kGateway6)});
    pod.wait_until_up("eth0");
    pod.wait_until_delivered(ip.v6);
    node.wait_until_up(host);
    const unsigned ifindex = node.run([&] { return ::if_nametoindex(host.c_str()); });
    if (node_switch_ == NodeSwitch::kOvs) {
        leave_nothing_to_the_device(pod, "eth0");
        vswitch(id).add_port(host);
    }
    return pods_.emplace_back(name, id, std::move(pod), ip, host, ifindex);
}

VSwitch& Topology::vswitch(NodeId id) {
    auto& vswitch = vswitches_[static_cast<int>(id)];
    if (!vswitch) {
        vswitch = std::make_unique<VSwitch>(
            node(id), fmt::format("{}-node-{}", prefix_, number(id)), kHostMac);
    }
    return *vswitch;
}

void Topology::remove_pod(const Pod& pod) {
    node(pod.node()).ip({fmt::format("link del {}", pod.host_interface())});
    if (node_switch_ == NodeSwitch::kOvs) {
        const char* bridge = vswitch(pod.node()).bridge().c_str();
        vswitch(pod.node()).remove_port(pod.host_interface());
        node(pod.node())
            .ip({fmt::format("route del {}/32 dev {}", pod.addresses().v4.text(), bridge),
                 fmt::format("route del {}/128 dev {}", pod.addresses().v6.text(), bridge)});
    }
    pods_.remove_if([&](const Pod& other) { return &other == &pod; });
}

void Topology::set_path_mtu(int bytes) {
    router_.ip({fmt::format("link set node-{} mtu {}", number(NodeId::kB), bytes)});
    node(NodeId::kB).ip({fmt::format("link set uplink mtu {}", bytes)});
}

std::vector<std::string> Topology::pod_networks() {
    return {"10.201.0.0/16", "10.202.0.0/16", "fd00:201::/64", "fd00:202::/64"};
}

DualAddress Topology::vip(int number) {
    return {address(fmt::format("10.96.{}.{}", number / 250, number % 250 + 1)),
            address(fmt::format("fd00:96::{:x}", number + 1))};
}

}  // namespace directfaas::support
