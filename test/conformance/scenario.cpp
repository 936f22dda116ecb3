// SPDX-License-Identifier: Apache-2.0
#include "test/conformance/scenario.h"

#include <fmt/format.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "maps/verdicts.h"
#include "test/support/command.h"

namespace directfaas::support {
void PrintTo(const Setup& setup, std::ostream* out) { *out << setup.text(); }
}  // namespace directfaas::support

namespace directfaas::conformance {
namespace {

/// Names of the reasons that end a packet.
std::set<std::string> drop_reasons() {
    std::set<std::string> names;
    const std::string drop = "drop";
#define X(name, text, cls, doc) \
    if (#cls == drop) {         \
        names.insert(text);     \
    }
    DF_REASONS(X)
#undef X
    return names;
}

/// Links of this kind at an interface of the current namespace; 0 where the kernel has no tcx.
std::size_t tcx_programs(unsigned ifindex, std::uint32_t attach_type) {
    bpf_attr query{};
    query.query.target_fd = static_cast<int>(ifindex);  // the same word as target_ifindex
    query.query.attach_type = attach_type;
    if (::syscall(SYS_bpf, BPF_PROG_QUERY, &query, sizeof query) != 0) {
        return 0;
    }
    return query.query.prog_cnt;
}

std::size_t count(const std::string& text, const std::string& word) {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++at) {
        ++found;
    }
    return found;
}

std::vector<Setup> setups(std::initializer_list<Placement> placements,
                          std::initializer_list<const char*> attach) {
    std::vector<Setup> all;
    for (const char* mode : attach) {
        for (const Placement placement : placements) {
            for (const Family family : {Family::kV4, Family::kV6}) {
                all.push_back({.family = family, .placement = placement, .attach = mode});
            }
        }
    }
    // Between two nodes there is no fast path.
    if (std::ranges::find(placements, Placement::kOneNode) != placements.end()) {
        for (const Family family : {Family::kV4, Family::kV6}) {
            all.push_back({.family = family, .attach = *attach.begin(), .fast_path = false});
        }
    }
    for (const Placement placement : placements) {
        for (const Family family : {Family::kV4, Family::kV6}) {
            all.push_back({.family = family,
                           .placement = placement,
                           .attach = ovs_datapath(),
                           .backend = "ovs"});
        }
    }
    return all;
}

}  // namespace

void Scenario::TearDown() {
    for (const NodeId node : cluster_.nodes()) {
        if (cluster_.agent(node).running()) {
            check_drops();
            break;
        }
    }
    if (HasFailure()) {
        std::cerr << cluster_.switch_state();  // removal leaves nothing to look at
    }
    for (const NodeId node : cluster_.nodes()) {
        check_removal(node);
    }
    if (HasFailure()) {
        std::cerr << cluster_.logs();
    }
}

void Scenario::check_drops() {
    const auto drops = drop_reasons();
    for (const auto& [reason, packets] : cluster_.reasons()) {
        if (drops.contains(reason) && !expected_drops_.contains(reason)) {
            ADD_FAILURE() << packets << " packets dropped for " << reason;
        }
    }
}

void Scenario::check_removal(NodeId node) {
    AgentProcess& agent = cluster_.agent(node);
    if (agent.running()) {
        EXPECT_EQ(agent.terminate(), 0);
    }
    if (agent.left_something()) {
        EXPECT_EQ(agent.remove(), 0) << "--remove of " << node_name(node);
    }
    EXPECT_FALSE(agent.left_something());
    const Netns& netns = cluster_.topology().node(node);
    netns.run([&] {
        struct if_nameindex* all = ::if_nameindex();
        for (const auto* item = all; item->if_index != 0; ++item) {
            EXPECT_FALSE(std::string(item->if_name).starts_with("dfr"))
                << item->if_name << " left on " << node_name(node);
            EXPECT_EQ(attached_programs(netns, item->if_index), 0U)
                << "programs left at " << item->if_name << " on " << node_name(node);
        }
        ::if_freenameindex(all);
    });
}

std::size_t attached_programs(const Netns& netns, unsigned ifindex) {
    constexpr std::uint32_t kTcxIngress = 46;
    constexpr std::uint32_t kTcxEgress = 47;
    return netns.run([&] {
        char name[IF_NAMESIZE]{};
        ::if_indextoname(ifindex, name);
        std::size_t found = tcx_programs(ifindex, kTcxIngress) + tcx_programs(ifindex, kTcxEgress);
        for (const char* side : {"ingress", "egress"}) {
            const auto shown = run_command({"tc", "filter", "show", "dev", name, side});
            found += count(shown.output, "handle");
        }
        return found;
    });
}

std::string error_name(int code) {
    const char* name = ::strerrorname_np(code);
    return name == nullptr ? fmt::format("errno {}", code) : name;
}

std::string udp_denied(Family family) { return family == Family::kV4 ? "EHOSTUNREACH" : "EACCES"; }

std::string call(const Netns& from, const SocketAddress& to, const ConnectOptions& options) {
    auto client = TcpClient::connect(from, to, options);
    if (!client) {
        return error_name(client.error().code);
    }
    const auto answer = client->ask("x");
    return answer ? answer->substr(0, answer->find(' ')) : error_name(answer.error().code);
}

std::string call(const Pod& from, const SocketAddress& to, const ConnectOptions& options) {
    return call(from.netns(), to, options);
}

std::string call(const Instance& from, const SocketAddress& to, const ConnectOptions& options) {
    return call(from.pod->netns(), to, options);
}

std::string call_udp(const Pod& from, const SocketAddress& to) {
    auto client = UdpClient::connect(from.netns(), to);
    if (!client) {
        return error_name(client.error().code);
    }
    const auto answer = client->ask("x");
    return answer ? answer->substr(0, answer->find(' ')) : error_name(answer.error().code);
}

std::string call_udp(const Instance& from, const SocketAddress& to) {
    return call_udp(*from.pod, to);
}

std::vector<Setup> all_setups() {
    return setups({Placement::kOneNode, Placement::kTwoNodes}, {"tcx", "clsact"});
}
std::vector<Setup> path_setups() {
    return setups({Placement::kOneNode, Placement::kTwoNodes}, {"auto"});
}
std::vector<Setup> two_node_setups() { return setups({Placement::kTwoNodes}, {"auto"}); }
std::vector<Setup> one_node_setups() { return setups({Placement::kOneNode}, {"auto"}); }

std::vector<Setup> fast_path_setups() {
    auto all = one_node_setups();
    std::erase_if(all, [](const Setup& setup) { return setup.ovs() || !setup.fast_path; });
    return all;
}

void expect_no_failure(const LoadReport& report) {
    EXPECT_EQ(report.failed, 0U) << testing::PrintToString(report.failures);
    EXPECT_GT(report.answered, 0U);
}

std::string setup_name(const testing::TestParamInfo<Setup>& info) { return info.param.text(); }

}  // namespace directfaas::conformance
