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

    [[nodiscard]] bool any() const { return *this != FunctionFlaws{}; }
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

/// The ifindex behind which an address is attached on this node, else 0.
using IfindexOf = std::function<unsigned(const util::IpAddress&)>;

[[nodiscard]] FunctionRules generate_function(const FunctionInput& input,
                                              const IfindexOf& ifindex_of);

}  // namespace directfaas::model
