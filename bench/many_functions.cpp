// SPDX-License-Identifier: Apache-2.0
#include "bench/many_functions.h"

#include <fmt/format.h>

#include <algorithm>

namespace directfaas::bench {
namespace {

/// `base` with `number` added to its last four bytes.
util::IpAddress numbered(const char* base, std::uint32_t number) {
    auto bytes = util::IpAddress::parse(base)->bytes();
    for (int i = 15; number != 0; --i) {
        const std::uint32_t sum = bytes[i] + (number & 0xffU);
        bytes[i] = static_cast<std::uint8_t>(sum);
        number = (number >> 8U) + (sum >> 8U);
    }
    return util::IpAddress(bytes);
}

void add_routes(model::RuleSet& rules, unsigned function, bool v6) {
    const auto identity = function_identity(function);
    model::RouteRule route;
    route.function = identity;
    for (unsigned i = 0; i < kInstances; ++i) {
        const auto address = v6 ? instance_v6(function, i) : instance_v4(function, i);
        rules.addresses[address] = identity;
        route.endpoints.push_back({.address = address, .port = kTargetPort});
    }
    std::ranges::sort(route.endpoints);
    rules.routes[{v6 ? vip_v6(function) : vip_v4(function), kServicePort}] = route;
}

void attach(model::RuleSet& rules, unsigned function, unsigned ifindex) {
    const auto identity = function_identity(function);
    rules.attachments[{"bench", identity.name.name + "-0"}] = {
        .identity = identity,
        .ifindex = ifindex,
        .addresses = {instance_v4(function, 0), instance_v6(function, 0)},
        .adopted = false};
}

}  // namespace

model::Identity function_identity(unsigned function) {
    return {model::IdentityKind::kFunction, {"bench", fmt::format("f{}", function)}};
}
util::IpAddress vip_v4(unsigned function) { return numbered("10.96.0.1", function); }
util::IpAddress vip_v6(unsigned function) { return numbered("fd00:96::1", function); }
util::IpAddress instance_v4(unsigned function, unsigned instance) {
    return numbered("10.128.0.1", function * kInstances + instance);
}
util::IpAddress instance_v6(unsigned function, unsigned instance) {
    return numbered("fd00:128::1", function * kInstances + instance);
}

model::RuleSet many_functions(unsigned functions, unsigned caller_ifindex,
                              unsigned callee_ifindex) {
    model::RuleSet rules;
    for (unsigned f = 0; f < functions; ++f) {
        const auto identity = function_identity(f);
        rules.identities[identity].served.insert({kTargetPort});
        add_routes(rules, f, false);
        if (f < kDualStack) {
            add_routes(rules, f, true);
        }
        rules.allowed.insert({identity, function_identity((f + 1) % functions)});
    }
    for (unsigned f = 1; f < std::min(functions, kCallees + 1); ++f) {
        rules.allowed.insert({function_identity(0), function_identity(f)});
    }
    attach(rules, 0, caller_ifindex);
    attach(rules, 1, callee_ifindex);
    return rules;
}

}  // namespace directfaas::bench
