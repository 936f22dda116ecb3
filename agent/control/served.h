// SPDX-License-Identifier: Apache-2.0
// What the routes say about each function: its vIPs and its instances.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/backend/backend.h"
#include "lib/model/rules.h"

namespace directfaas::control {

struct Served {
    std::vector<std::string> vips;              // "10.96.0.2:80/TCP"
    std::map<util::IpAddress, bool> instances;  // address -> ready at one port at least

    [[nodiscard]] std::uint64_t ready() const;
    /// Connections to all of its instances that are open now.
    [[nodiscard]] std::uint64_t open(const backend::Counters& counters) const;
};

std::map<model::Identity, Served> served_by_function(const model::RuleSet& rules);

/// Connections to one instance that are open now, as the backend counts them.
std::uint64_t open_at(const util::IpAddress& instance, const backend::Counters& counters);

}  // namespace directfaas::control
