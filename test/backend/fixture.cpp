// SPDX-License-Identifier: Apache-2.0
#include "test/backend/fixture.h"

#include <fmt/format.h>
#include <net/if.h>
#include <signal.h>

#include <cstdio>
#include <filesystem>
#include <mutex>

#include "agent/backend/ebpf/pins.h"
#include "test/support/command.h"

namespace directfaas::backend::ebpf {
namespace {

/// Instances of test processes that no longer exist. Their namespaces go first, so that their
/// interfaces are gone, too.
void remove_leftovers() {
    support::remove_leftover_namespaces();
    const Options defaults;
    std::error_code none;
    for (const auto& entry :
         std::filesystem::directory_iterator(defaults.bpffs + "/directfaas", none)) {
        const std::string name = entry.path().filename();
        int process = 0;
        int serial = 0;
        if (std::sscanf(name.c_str(), "df%d-%d", &process, &serial) == 2 && kill(process, 0) != 0 &&
            errno == ESRCH) {
            Options leftover;
            leftover.instance = name;
            static_cast<void>(remove_instance(leftover));
        }
    }
}

const std::string& after_cleaning(const std::string& prefix) {
    static std::once_flag once;
    std::call_once(once, remove_leftovers);
    return prefix;
}

}  // namespace

BackendTest::BackendTest() : netns_(after_cleaning(support::unique_prefix()) + "-node") {
    options_.instance = netns_.name().substr(0, netns_.name().rfind('-'));
    options_.max_functions = 1024;
    options_.max_endpoints = 8192;
    options_.max_edges = 1024;
    options_.max_vips = 1024;
    options_.max_connections = 16384;
    options_.max_pods = 64;
}

BackendTest::~BackendTest() {
    netns_.run([this] {
        backend_.reset();
        const auto removed = remove_instance(options_);
        EXPECT_TRUE(removed) << removed.error().text();
    });
}

Backend& BackendTest::start() {
    backend_.reset();
    auto created = create(options_);
    if (!created) {
        throw support::SupportError(created.error().text());
    }
    backend_ = std::move(*created);
    return *backend_;
}

void BackendTest::apply(const model::RuleSet& wanted) {
    const auto applied = backend_->apply(model::plan(applied_, wanted));
    ASSERT_TRUE(applied) << applied.error().text();
    applied_ = wanted;
}

void BackendTest::expect_dump(const model::RuleSet& wanted) {
    const auto dumped = backend_->dump();
    ASSERT_TRUE(dumped) << dumped.error().text();
    EXPECT_EQ(dumped->identities, wanted.identities);
    EXPECT_EQ(dumped->attachments, wanted.attachments);
    EXPECT_EQ(dumped->addresses, wanted.addresses);
    EXPECT_EQ(dumped->routes, wanted.routes);
    EXPECT_EQ(dumped->allowed, wanted.allowed);
}

unsigned BackendTest::add_interface(const std::string& name, unsigned ifindex) {
    const std::string number = ifindex == 0 ? "" : fmt::format(" index {}", ifindex);
    netns_.ip({fmt::format("link add {0}{1} type veth peer name {0}p", name, number),
               fmt::format("link set {} up", name), fmt::format("link set {}p up", name)});
    return netns_.run([&] { return if_nametoindex(name.c_str()); });
}

void BackendTest::remove_interface(const std::string& name) {
    netns_.ip({fmt::format("link del {}", name)});
}

std::string BackendTest::folder() const {
    return Pins::instance_folder(options_.bpffs, options_.instance);
}

Tables BackendTest::tables() const {
    auto opened = Tables::open(Pins::describe(options_.bpffs, options_.instance));
    if (!opened) {
        throw support::SupportError(opened.error().text());
    }
    return std::move(*opened);
}

util::IpAddress ip(const std::string& text) {
    const auto address = util::IpAddress::parse(text);
    if (!address) {
        throw support::SupportError("not an address: " + text);
    }
    return *address;
}

model::Identity function(const std::string& name) {
    return {model::IdentityKind::kFunction, {"shop", name}};
}

model::Identity entry(const std::string& name) {
    return {model::IdentityKind::kEntry, {"shop", name}};
}

model::RouteKey route_key(const std::string& vip, std::uint16_t port) {
    return {ip(vip), port, util::Protocol::kTcp};
}

model::RouteEndpoint endpoint(const std::string& address, std::uint16_t port,
                              model::EndpointState state) {
    return {ip(address), port, state, 0};
}

model::RuleSet small_rules() {
    const auto caller = function("caller");
    const auto callee = function("callee");
    model::RuleSet rules;
    rules.identities[caller] = {};
    rules.identities[callee] = {model::Enforcement::kEnforce, true, {{8080}}, {{9090}}};
    rules.addresses[ip("10.1.0.1")] = caller;
    rules.addresses[ip("10.1.0.2")] = callee;
    rules.routes[route_key("10.96.0.1")] = {callee, {endpoint("10.1.0.2")}};
    rules.allowed.insert({caller, callee});
    return rules;
}

std::string output_of(const std::vector<std::string>& command, const support::Netns& netns) {
    const auto result = support::run_command(command, {.netns = netns.fd()});
    if (result.status != 0) {
        throw support::SupportError(command.front() + ": " + result.output);
    }
    return result.output;
}

}  // namespace directfaas::backend::ebpf
