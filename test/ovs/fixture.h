// SPDX-License-Identifier: Apache-2.0
// One simulated node with a bridge, and a backend on it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/backend/ovs/ovs_backend.h"
#include "test/support/netns.h"
#include "test/support/vswitch.h"

namespace directfaas::backend::ovs {

/// What is missing or other in `there`, as text; empty if nothing.
std::string difference(const model::RuleSet& there, const model::RuleSet& wanted);

class OvsTest : public testing::Test {
   protected:
    OvsTest();

    Backend& backend() { return *backend_; }
    /// As a new process would: nothing but the bridge is left.
    void restart_backend();
    void end_backend() { backend_.reset(); }
    /// Adds a veth whose host's end is a port of the bridge. Returns its index.
    unsigned add_port(const std::string& name);
    [[nodiscard]] Options options() const;
    /// Applies the difference to `wanted` and expects that it is there.
    void make(const model::RuleSet& wanted);
    /// Returns when the bridge was reached again.
    void wait_until_recovered();

    [[nodiscard]] const support::Netns& node() const { return node_; }
    support::VSwitch& vswitch() { return vswitch_; }
    /// ovs-ofctl without an interest in what it prints.
    void change_switch(const std::string& command, const std::vector<std::string>& arguments) {
        static_cast<void>(vswitch_.ofctl(command, arguments));
    }
    /// Runs on a thread in the node's namespace: interface indexes are the namespace's.
    template <typename Function>
    auto in_node(Function function) {
        return node_.run(function);
    }

   private:
    std::string prefix_ = support::unique_prefix();
    support::Netns node_{prefix_ + "-ovs"};
    support::VSwitch vswitch_{node_, prefix_, "ee:ee:ee:ee:ee:ee"};
    model::RuleSet rules_;
    std::unique_ptr<Backend> backend_;
};

}  // namespace directfaas::backend::ovs
