// SPDX-License-Identifier: Apache-2.0
// A real eBPF backend in a network namespace and an instance of its own. Whatever happens in a
// test, and to the process that ran it, nothing of it stays in the kernel.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "agent/backend/ebpf/ebpf_backend.h"
#include "agent/backend/ebpf/tables.h"
#include "lib/model/rules.h"
#include "test/support/netns.h"

namespace directfaas::backend::ebpf {

class BackendTest : public ::testing::Test {
   protected:
    BackendTest();
    ~BackendTest() override;

    /// Runs `body` on a thread in the namespace: interfaces and sockets are those of the test.
    template <typename Body>
    void inside(Body body) {
        netns_.run(body);
    }

    /// Loads the backend, or loads it again as a new process would: the old object goes first. All
    /// of these are called inside().
    Backend& start();
    Backend& backend() { return *backend_; }
    /// As a killed process: nothing is taken down.
    void stop() { backend_.reset(); }

    /// Makes the rules exactly `wanted` and remembers them.
    void apply(const model::RuleSet& wanted);
    /// dump() equals what was applied last.
    void expect_dump(const model::RuleSet& wanted);

    /// A veth pair `name`, `name`p, both up; the number of `name`.
    unsigned add_interface(const std::string& name, unsigned ifindex = 0);
    void remove_interface(const std::string& name);

    [[nodiscard]] const Options& options() const { return options_; }
    Options& options() { return options_; }
    [[nodiscard]] const support::Netns& netns() const { return netns_; }
    /// Folder of the instance's pins.
    [[nodiscard]] std::string folder() const;
    /// The tables, opened by their pins as any other process could.
    [[nodiscard]] Tables tables() const;

   private:
    support::Netns netns_;
    Options options_;
    std::unique_ptr<Backend> backend_;
    model::RuleSet applied_;
};

util::IpAddress ip(const std::string& text);
model::Identity function(const std::string& name);
model::Identity entry(const std::string& name);
model::RouteKey route_key(const std::string& vip, std::uint16_t port = 80);
model::RouteEndpoint endpoint(const std::string& address, std::uint16_t port = 8080,
                              model::EndpointState state = model::EndpointState::kReady);

/// A caller and a callee with one ready instance, allowed.
model::RuleSet small_rules();

/// The output of a program that must succeed.
std::string output_of(const std::vector<std::string>& command, const support::Netns& netns);

}  // namespace directfaas::backend::ebpf
