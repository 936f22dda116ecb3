// SPDX-License-Identifier: Apache-2.0
// All agents of these tests run with kAgentCapabilities and no more; here each one is taken.
#include <linux/capability.h>

#include "test/conformance/scenario.h"

namespace directfaas::conformance {
namespace {

using Rights = Scenario;

TEST_P(Rights, AgentWithoutOneOfItsCapabilitiesSaysWhichAndEnds) {
    AgentProcess& agent = cluster_.agent(NodeId::kA);
    for (const auto& [bit, name] : {std::pair{CAP_BPF, "CAP_BPF"},
                                    {CAP_NET_ADMIN, "CAP_NET_ADMIN"},
                                    {CAP_NET_RAW, "CAP_NET_RAW"},
                                    {CAP_PERFMON, "CAP_PERFMON"}}) {
        agent.options().capabilities = kAgentCapabilities & ~(1ULL << bit);
        agent.launch();
        EXPECT_NE(agent.wait_exit(), 0) << name;
        EXPECT_NE(agent.log().find(std::string("this process lacks ") + name), std::string::npos)
            << agent.log();
    }
    agent.options().capabilities = kAgentCapabilities;
    cluster_.start();
}
std::vector<Setup> one_ebpf_setup() {
    auto all = one_node_setups();
    std::erase_if(all, [](const Setup& setup) {
        return setup.ovs() || setup.fast_path || setup.family != Family::kV4;
    });
    return all;
}
INSTANTIATE_TEST_SUITE_P(Paths, Rights, testing::ValuesIn(one_ebpf_setup()), setup_name);

}  // namespace
}  // namespace directfaas::conformance
