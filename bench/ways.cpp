// SPDX-License-Identifier: Apache-2.0
#include "bench/ways.h"

#include <stdexcept>

#include "bench/private_world.h"
#include "bench/program.h"

namespace directfaas::bench {
namespace {

using support::NodeId;

/// Ports in TIME_WAIT are used again: thousands of connections go to one address.
void reuse_ports(const support::Pod& client) {
    client.netns().sysctl({{"ipv4/tcp_tw_reuse", "1"}, {"ipv4/ip_local_port_range", "1024 65535"}});
}

support::Setup setup(Way way) {
    return way == Way::kOvs ? support::Setup{.attach = support::ovs_datapath(), .backend = "ovs"}
                            : support::Setup{.attach = "auto", .fast_path = way == Way::kFast};
}

}  // namespace

std::string way_name(Way way) {
    switch (way) {
        case Way::kPlain:
            return "plain";
        case Way::kStack:
            return "stack";
        case Way::kFast:
            return "fast";
        case Way::kOvs:
            return "ovs";
    }
    return "";
}

Node::Node(Way way) : cluster_(setup(way)) {
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
    if (way == Way::kOvs) {
        require(take_cpu(cluster_.topology().vswitch(NodeId::kA).switch_pid(), measured_cpu()));
    }
}

support::SocketAddress Node::address(bool plain, support::Family family) const {
    return plain ? support::SocketAddress{plain_server_->ip(family), kServerPort}
                 : support::SocketAddress{cluster_.vip_addresses("callee").of(family),
                                          cluster_.vip("callee").port};
}

World::World(Ovs ovs) {
    if (ovs == Ovs::kYes) {
        ovs_.emplace(Way::kOvs);
        ways_.push_back(Way::kOvs);
    }
}

void World::require_counted(std::uint64_t connections) const {
    const auto counted = stack_.counted() + fast_.counted() + (ovs_ ? ovs_->counted() : 0);
    if (counted != connections) {
        throw std::runtime_error("the switch counted " + std::to_string(counted) +
                                 " connections, there were " + std::to_string(connections) +
                                 ": something went past it");
    }
}

}  // namespace directfaas::bench
