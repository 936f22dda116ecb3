// SPDX-License-Identifier: Apache-2.0
// A control socket over an agent that does what it is told and remembers it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/control/control.h"
#include "test/support/memory_backend.h"
#include "test/unit/agent/line_client.h"
#include "test/unit/agent/shop.h"
#include "test/unit/agent/temp_dir.h"

namespace directfaas::agent_test {

using nlohmann::json;

/// An agent that does what it is told and remembers it.
class FakeAgent final : public control::AgentAccess {
   public:
    FakeAgent() : model_({.node_name = "n", .pod_networks = {}}) {
        model::apply(*model_.replace_all(shop_files()), backend_.rules);
        model::apply(model_.set_link(shop("front-1"), model::Link{7, true}), backend_.rules);
    }

    [[nodiscard]] const model::Model& model() const override { return model_; }
    backend::Backend& backend() override { return backend_; }
    [[nodiscard]] control::Facts facts() const override { return told; }
    [[nodiscard]] std::string interface_name(unsigned ifindex) const override {
        return "veth" + std::to_string(ifindex);
    }
    std::expected<unsigned, control::Refusal> attach(const model::ObjectName& pod,
                                                     const std::string& name) override {
        acts.push_back("attach " + pod.text() + " " + name);
        if (name == "nope") {
            return std::unexpected(control::Refusal{"failed", "no such interface", "name another"});
        }
        return 7U;
    }
    std::expected<void, control::Refusal> detach(const model::ObjectName& pod) override {
        acts.push_back("detach " + pod.text());
        return {};
    }
    void cni_add(cni::Attachment attachment, std::chrono::milliseconds patience,
                 std::function<void(const cni::Standing&)> done) override {
        acts.push_back("cni_add " + attachment.pod.text() + " " + attachment.interface_name + " " +
                       std::to_string(patience.count()));
        done({cni::State::kNotYet, "not there"});
    }
    [[nodiscard]] cni::Standing cni_check(const model::ObjectName&,
                                          unsigned ifindex) const override {
        return {ifindex == 7 ? cni::State::kEnforced : cni::State::kNoFunction, ""};
    }
    void cni_del(const cni::Key& key) override { acts.push_back("cni_del " + key.container); }
    std::size_t cni_gc(const std::vector<cni::Key>& valid) override {
        acts.push_back("cni_gc " + std::to_string(valid.size()));
        return 3;
    }
    util::Result<void> set_trace(bool on) override {
        acts.emplace_back(on ? "trace on" : "trace off");
        return {};
    }
    util::Result<void> set_drain(bool on) override {
        acts.emplace_back(on ? "drain on" : "drain off");
        return {};
    }
    void end() override { acts.emplace_back("end"); }

    control::Facts told;
    std::vector<std::string> acts;
    model::Model model_;
    support::MemoryBackend backend_;
};

class ControlTest : public testing::Test {
   protected:
    void SetUp() override {
        auto control = control::Control::create(*loop_, agent_, {.socket = path_, .limits = {}});
        ASSERT_TRUE(control) << control.error().text();
        control_ = std::move(*control);
    }
    json ask(const json& request) { return LineClient(*loop_, path_).ask(request); }
    void expect_refused(const json& request, const std::string& code, const std::string& text) {
        const auto answer = ask(request);
        EXPECT_EQ(answer.value("ok", true), false) << request;
        EXPECT_EQ(answer.value("code", ""), code) << request;
        EXPECT_THAT(answer.value("error", ""), testing::HasSubstr(text)) << request;
    }

    std::unique_ptr<util::EventLoop> loop_ = std::move(*util::EventLoop::create());
    TempDir dir_;
    std::string path_ = dir_.file("agent.sock");
    FakeAgent agent_;
    std::unique_ptr<control::Control> control_;
};

}  // namespace directfaas::agent_test
