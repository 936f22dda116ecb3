// SPDX-License-Identifier: Apache-2.0
// Between pods of one node packets go past its stack, where nothing is in the way.
//
//   caller [node-a] ══ callee [node-a]
#include <gmock/gmock.h>
#include <ifaddrs.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "lib/util/unique_fd.h"
#include "test/conformance/scenario.h"
#include "test/support/command.h"

namespace directfaas::conformance {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// Somebody else's program, which passes everything, at the egress hook of an interface of this
/// namespace, for as long as the descriptor lives.
util::UniqueFd foreign_link(unsigned ifindex) {
    constexpr std::uint32_t kTcxEgress = 47;
    const std::array<bpf_insn, 2> code{
        bpf_insn{
            .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = -1},
        bpf_insn{.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
    bpf_attr load{};
    load.prog_type = BPF_PROG_TYPE_SCHED_CLS;
    load.insns = reinterpret_cast<std::uint64_t>(code.data());
    load.insn_cnt = code.size();
    load.license = reinterpret_cast<std::uint64_t>("GPL");
    const util::UniqueFd program(
        static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load)));
    bpf_attr link{};
    link.link_create.prog_fd = static_cast<std::uint32_t>(program.get());
    link.link_create.target_fd = ifindex;  // the same word as target_ifindex
    link.link_create.attach_type = kTcxEgress;
    return util::UniqueFd(
        static_cast<int>(::syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof link)));
}

std::uint64_t sent_packets(const std::string& interface) {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) {
        return 0;
    }
    std::uint64_t packets = 0;
    for (const auto* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (interface == entry->ifa_name && entry->ifa_addr != nullptr &&
            entry->ifa_addr->sa_family == AF_PACKET) {
            packets = static_cast<const rtnl_link_stats*>(entry->ifa_data)->tx_packets;
        }
    }
    ::freeifaddrs(list);
    return packets;
}

class FastPath : public Scenario {
   protected:
    FastPath() : Scenario({{.name = "caller"}, {.name = "callee"}}, {{"caller", "callee"}}) {}

    [[nodiscard]] const Netns& node() { return cluster_.topology().node(NodeId::kA); }
    [[nodiscard]] const Netns& from() const { return pod(caller_).netns(); }
    [[nodiscard]] json figures() {
        return cluster_.agent(NodeId::kA).control({{"command", "status"}}).at("fast_path");
    }
    [[nodiscard]] std::string explained() {
        return cluster_.agent(NodeId::kA)
            .control({{"command", "explain"}, {"from", "shop/caller"}, {"to", "shop/callee"}})
            .dump();
    }
    /// Packets that the node has put on the pod's veth.
    [[nodiscard]] std::uint64_t put_on(const Instance& instance) {
        return node().run([&] { return sent_packets(pod(instance).host_interface()); });
    }
    void tc(const std::vector<std::string>& words) {
        std::vector<std::string> line{"tc"};
        line.insert(line.end(), words.begin(), words.end());
        const auto done = node().run([&] { return run_command(line); });
        ASSERT_EQ(done.status, 0) << done.output;
    }
    [[nodiscard]] bool obstacle_known(bool there) {
        return wait_until([&] { return figures().at("obstacles").empty() != there; });
    }

    Instance& caller_ = cluster_.add_instance("caller", NodeId::kA);
    Instance& callee_ = cluster_.add_instance("callee", NodeId::kA);
};

TEST_P(FastPath, PacketsArePutOnNoVethOfTheNode) {
    cluster_.start();
    auto client = TcpClient::connect(from(), cluster_.vip("callee"));
    ASSERT_TRUE(client);
    ASSERT_TRUE(client->ask("x"));
    const auto before = put_on(caller_) + put_on(callee_);
    EXPECT_GT(before, 0U) << "the kernel's neighbour discovery is counted";
    for (int i = 0; i < 200; ++i) {
        ASSERT_TRUE(client->ask("x"));
    }
    // Neighbour discovery may say something now and then.
    EXPECT_LT(put_on(caller_) + put_on(callee_) - before, 20U);
    EXPECT_THAT(explained(), HasSubstr("fast path"));
    EXPECT_TRUE(wait_until([&] { return figures().at("open") == 1; }));
    EXPECT_GT(cluster_.edge("caller", "callee").bytes_reply, 200U * 50);
}

/// The node's own connection tracking drops what it finds invalid, as kube-proxy has it do: it must
/// not be shown a connection in pieces.
TEST_P(FastPath, ObstacleSendsOpenConnectionsOverTheStackForGood) {
    const auto made = node().run([] {
        return run_command({"nft", "-f", "-"}, {.input = R"(table inet guard {
  chain forward { type filter hook forward priority 0; ct state invalid counter drop; }
})"});
    });
    ASSERT_EQ(made.status, 0) << made.output;
    cluster_.start();
    Load kept(from(), cluster_.vip("callee"), {.mode = LoadMode::kKeptConnections});
    Load fresh(from(), cluster_.vip("callee"), {.mode = LoadMode::kNewConnections});
    ASSERT_TRUE(kept.wait_for(50) && fresh.wait_for(50));
    for (int round = 0; round < 2; ++round) {
        tc({"qdisc", "add", "dev", pod(callee_).host_interface(), "root", "pfifo"});
        ASSERT_TRUE(obstacle_known(true));
        EXPECT_THAT(explained(), HasSubstr("by the stack: qdisc pfifo"));
        const auto before = put_on(callee_);
        ASSERT_TRUE(kept.wait_for(100) && fresh.wait_for(100));
        EXPECT_GE(put_on(callee_) - before, 100U);
        tc({"qdisc", "del", "dev", pod(callee_).host_interface(), "root"});
        ASSERT_TRUE(obstacle_known(false));
        const auto after = put_on(callee_);
        ASSERT_TRUE(kept.wait_for(100) && fresh.wait_for(100));
        EXPECT_GE(put_on(callee_) - after, 100U) << "those that have left it stay";
    }
    const auto one = kept.stop();
    const auto two = fresh.stop();
    expect_no_failure(one);
    expect_no_failure(two);
    EXPECT_EQ(cluster_.edge("caller", "callee").opened, one.connections + two.connections);
}

TEST_P(FastPath, ForeignProgramIsAnObstacle) {
    cluster_.start();
    ASSERT_TRUE(obstacle_known(false));
    auto link = node().run([&] { return foreign_link(pod(caller_).host_ifindex()); });
    ASSERT_TRUE(link.valid());
    ASSERT_TRUE(obstacle_known(true));
    EXPECT_THAT(explained(), HasSubstr("calls by the stack: tcx program"));
    const auto before = put_on(callee_);
    EXPECT_EQ(call(caller_, cluster_.vip("callee")), pod(callee_).name());
    EXPECT_GE(put_on(callee_) - before, 3U);
    link.reset();
    EXPECT_TRUE(obstacle_known(false));
}

/// Its rules stand in the node's netfilter, or wherever its CNI has them on the way.
TEST_P(FastPath, NetworkPolicyIsAnObstacle) {
    cluster_.start();
    ASSERT_TRUE(obstacle_known(false));
    Load kept(from(), cluster_.vip("callee"), {.mode = LoadMode::kKeptConnections});
    ASSERT_TRUE(kept.wait_for(50));
    cluster_.other_objects() = {{{"apiVersion", "networking.k8s.io/v1"},
                                 {"kind", "NetworkPolicy"},
                                 {"metadata", {{"namespace", "shop"}, {"name", "some"}}},
                                 {"spec", {{"podSelector", json::object()}}}}};
    cluster_.sync();
    ASSERT_TRUE(obstacle_known(true));
    EXPECT_THAT(explained(), HasSubstr("calls by the stack: a NetworkPolicy selects the pod"));
    const auto before = put_on(callee_);
    EXPECT_EQ(call(caller_, cluster_.vip("callee")), pod(callee_).name());
    EXPECT_GE(put_on(callee_) - before, 3U);
    cluster_.other_objects().clear();
    cluster_.sync();
    EXPECT_TRUE(obstacle_known(false));
    ASSERT_TRUE(kept.wait_for(100));
    expect_no_failure(kept.stop());
}

TEST_P(FastPath, ChainMaySayNo) {
    cluster_.chain().fast_path = "off";
    cluster_.start();
    const auto before = put_on(callee_);
    EXPECT_EQ(call(caller_, cluster_.vip("callee")), pod(callee_).name());
    EXPECT_GE(put_on(callee_) - before, 3U);
    EXPECT_THAT(explained(), HasSubstr("fastPath off"));
}

/// The pod's end is asked for its address, and a smaller interface is found in time.
TEST_P(FastPath, SmallerMtuTakesTheStack) {
    cluster_.start();
    node().run([&] {
        return run_command(
            {"ip", "link", "set", "dev", pod(callee_).host_interface(), "mtu", "1300"});
    });
    ASSERT_TRUE(wait_until([&] {
        const auto before = put_on(callee_);
        EXPECT_EQ(call(caller_, cluster_.vip("callee")), pod(callee_).name());
        return put_on(callee_) - before >= 3;
    }));
}

INSTANTIATE_TEST_SUITE_P(Paths, FastPath, testing::ValuesIn(fast_path_setups()), setup_name);

}  // namespace
}  // namespace directfaas::conformance
