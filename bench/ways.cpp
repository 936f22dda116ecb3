// SPDX-License-Identifier: Apache-2.0
#include "bench/ways.h"

#include <stdexcept>

namespace directfaas::bench {
namespace {

using support::NodeId;

/// Ports in TIME_WAIT are used again: thousands of connections go to one address.
void reuse_ports(const support::Pod& client) {
    client.netns().sysctl({{"ipv4/tcp_tw_reuse", "1"}, {"ipv4/ip_local_port_range", "1024 65535"}});
}

}  // namespace

std::string way_name(Way way) {
    return way == Way::kPlain ? "plain" : way == Way::kStack ? "stack" : "fast";
}

Node::Node(bool fast) : cluster_({.attach = "auto", .fast_path = fast}) {
    cluster_.add_function({.name = "caller"});
    cluster_.add_function({.name = "callee"});
    cluster_.add_edges("caller", {"callee"});
    caller_ = cluster_.add_instance("caller", NodeId::kA, false).pod;
    callee_ = cluster_.add_instance("callee", NodeId::kA, false).pod;
    plain_client_ = &cluster_.add_outsider(NodeId::kA);
    plain_server_ = &cluster_.add_outsider(NodeId::kA);
    reuse_ports(*caller_);
    reuse_ports(*plain_client_);
    cluster_.start();
}

support::SocketAddress Node::address(bool plain, support::Family family) const {
    return plain ? support::SocketAddress{plain_server_->ip(family), kServerPort}
                 : support::SocketAddress{cluster_.vip_addresses("callee").of(family),
                                          cluster_.vip("callee").port};
}

void World::require_counted(std::uint64_t connections) const {
    const auto counted = stack_.counted() + fast_.counted();
    if (counted != connections) {
        throw std::runtime_error("the switch counted " + std::to_string(counted) +
                                 " connections, there were " + std::to_string(connections) +
                                 ": something went past it");
    }
}

}  // namespace directfaas::bench
