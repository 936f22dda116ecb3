// SPDX-License-Identifier: Apache-2.0
#include "test/ovs/fixture.h"

#include <fmt/format.h>
#include <net/if.h>

#include "test/support/wait.h"

namespace directfaas::backend::ovs {

std::string difference(const model::RuleSet& there, const model::RuleSet& wanted) {
    const auto plan = model::plan(there, wanted);
    std::string text;
    for (const auto& [identity, rule] : plan.identities) {
        text += "identity " + identity.text() + "\n";
    }
    for (const auto& [address, identity] : plan.addresses) {
        text += "address " + address.text() + "\n";
    }
    for (const auto& [key, rule] : plan.routes) {
        text += "route " + key.text() + "\n";
    }
    for (const auto& edge : plan.allowed) {
        text += "edge " + edge.from.text() + " -> " + edge.to.text() + "\n";
    }
    for (const auto& [pod, rule] : plan.attachments) {
        text += "pod " + pod.text() + "\n";
    }
    return text.empty() && !plan.empty() ? "something is there that should not be" : text;
}

OvsTest::OvsTest() { restart_backend(); }

Options OvsTest::options() const {
    return {.instance = "test", .bridge = vswitch_.bridge(), .run_dir = vswitch_.run_dir()};
}

void OvsTest::restart_backend() {
    backend_.reset();
    auto made = in_node([&] { return create(options()); });
    if (!made) {
        throw support::SupportError(made.error().text());
    }
    backend_ = std::move(*made);
    const auto configured = in_node([&] { return backend_->configure({}); });
    if (!configured) {
        throw support::SupportError(configured.error().text());
    }
}

unsigned OvsTest::add_port(const std::string& name) {
    node_.ip({fmt::format("link add {0} type veth peer name {0}p", name),
              fmt::format("link set {} up", name)});
    vswitch_.add_port(name);
    return in_node([&] { return ::if_nametoindex(name.c_str()); });
}

void OvsTest::make(const model::RuleSet& wanted) {
    in_node([&] {
        const auto applied = backend().apply(model::plan(rules_, wanted));
        ASSERT_TRUE(applied) << applied.error().text();
        const auto there = backend().dump();
        ASSERT_TRUE(there) << there.error().text();
        EXPECT_EQ(difference(*there, wanted), "");
    });
    rules_ = wanted;
}

void OvsTest::wait_until_recovered() {
    ASSERT_TRUE(
        support::wait_until([&] { return in_node([&] { return backend().dump().has_value(); }); }));
}

}  // namespace directfaas::backend::ovs
