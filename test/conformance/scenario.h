// SPDX-License-Identifier: Apache-2.0
// What all scenarios share: a cluster of the test's parameters, short forms of a call, and the
// checks at the end: no drop that the test did not cause, a clean exit, nothing left behind.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <set>
#include <string>
#include <vector>

#include "test/support/cluster.h"
#include "test/support/load.h"

namespace directfaas::conformance {

using namespace support;  // NOLINT(google-build-using-namespace): one vocabulary for all scenarios

/// The UDP port of functions that have one.
inline const PortSpec kDns{
    .name = "dns", .port = 53, .target_port = 5353, .protocol = util::Protocol::kUdp};

class Scenario : public testing::TestWithParam<Setup> {
   protected:
    Scenario() : cluster_(GetParam()) {}
    /// Declares functions and edges before members of the derived class add instances.
    Scenario(const std::vector<FunctionSpec>& functions,
             std::initializer_list<std::pair<const char*, const char*>> edges)
        : Scenario() {
        for (const FunctionSpec& function : functions) {
            cluster_.add_function(function);
        }
        for (const auto& [from, to] : edges) {
            cluster_.add_edges(from, {to});
        }
    }
    void TearDown() override;

    /// Drops for these reasons are what the test is about; any other fails it.
    void expect_drops(std::initializer_list<const char*> reasons) {
        expected_drops_.insert(reasons.begin(), reasons.end());
    }
    [[nodiscard]] bool v4() const { return cluster_.family() == Family::kV4; }
    [[nodiscard]] const Pod& pod(const Instance& instance) const { return *instance.pod; }

    Cluster cluster_;

   private:
    void check_drops();
    void check_removal(NodeId node);

    std::set<std::string> expected_drops_;
};

/// One call on a connection of its own: the name of the instance that answered, or that of the
/// error ("ECONNREFUSED").
std::string call(const Netns& from, const SocketAddress& to, const ConnectOptions& options = {});
std::string call(const Pod& from, const SocketAddress& to, const ConnectOptions& options = {});
std::string call(const Instance& from, const SocketAddress& to, const ConnectOptions& options = {});

/// The same for one datagram and its answer, on a socket of its own.
std::string call_udp(const Pod& from, const SocketAddress& to);
std::string call_udp(const Instance& from, const SocketAddress& to);

/// "ECONNREFUSED" for its number.
std::string error_name(int code);
/// What a denied datagram's sender is told.
std::string udp_denied(Family family);

/// Every family, placement and way of attaching.
std::vector<Setup> all_setups();
/// Every family and placement, attached the kernel's best way.
std::vector<Setup> path_setups();
/// As path_setups(), but with caller and callee on two nodes only, or on one only.
std::vector<Setup> two_node_setups();
std::vector<Setup> one_node_setups();
/// Every family, caller and callee where there is a fast path.
std::vector<Setup> fast_path_setups();

/// Every request was answered, and there were some.
void expect_no_failure(const LoadReport& report);

/// For INSTANTIATE_TEST_SUITE_P.
std::string setup_name(const testing::TestParamInfo<Setup>& info);

/// Programs of anybody on an interface, both directions, tcx and clsact.
std::size_t attached_programs(const Netns& netns, unsigned ifindex);

}  // namespace directfaas::conformance

namespace directfaas::support {
void PrintTo(const Setup& setup, std::ostream* out);
}
