// SPDX-License-Identifier: Apache-2.0
// The rules of one function from its declaration, its Service and its slices: the heart of the
// rule generation, as a pure function.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "lib/model/rules.h"

namespace directfaas::model {

/// Why a function cannot be called as its chain says. Each is a standing warning.
struct FunctionFlaws {
    bool no_service = false;
    bool headless = false;       // no vIP, so no route
    bool no_selector = false;    // no way to know its pods; no route
    bool no_such_port = false;   // serviceRef.port names no port of the Service
    bool no_slice_port = false;  // instances, but none with a port of the Service
    bool other_proxy = false;    // another proxy serves its vIP; no route

    [[nodiscard]] bool any() const { return *this != FunctionFlaws{}; }
    /// Its vIP is not served here.
    [[nodiscard]] bool no_route() const {
        return no_service || headless || no_selector || other_proxy;
    }
    bool operator==(const FunctionFlaws&) const = default;
};

struct FunctionInput {
    const Identity& identity;
    const ChainFunction& declared;
    Enforcement enforcement = Enforcement::kEnforce;
    bool fast_path = true;
    const Service* service = nullptr;                // null: there is none (yet)
    std::span<const EndpointSlice* const> slices{};  // of the Service
};

struct FunctionRules {
    IdentityRule identity;
    std::vector<std::pair<RouteKey, RouteRule>> routes;  // by key, no key twice
    std::vector<util::IpAddress> addresses;              // of its slices, sorted, none twice
    FunctionFlaws flaws;
};

/// What is known of an instance's address.
struct Whereabouts {
    unsigned ifindex = 0;  // behind which it is attached on this node, else 0
    bool on_node = false;  // a pod of this node has it, attached or not
};
using WhereIs = std::function<Whereabouts(const util::IpAddress&)>;

[[nodiscard]] FunctionRules generate_function(const FunctionInput& input, const WhereIs& where_is);

}  // namespace directfaas::model
