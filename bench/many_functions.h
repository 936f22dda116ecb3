// SPDX-License-Identifier: Apache-2.0
// Applications of any size, as rules: `functions` functions with ten instances each, function 0
// calling the next ones, each calling its successor.
#pragma once

#include "lib/model/rules.h"

namespace directfaas::bench {

inline constexpr unsigned kInstances = 10;
inline constexpr unsigned kCallees = 1024;  // functions that function 0 may call, at most
inline constexpr std::uint16_t kServicePort = 80;
inline constexpr std::uint16_t kTargetPort = 8080;

/// Only so many functions have an IPv6 vIP and instances too; the endpoint table is shared.
inline constexpr unsigned kDualStack = 1024;

model::Identity function_identity(unsigned function);
util::IpAddress vip_v4(unsigned function);
util::IpAddress vip_v6(unsigned function);
util::IpAddress instance_v4(unsigned function, unsigned instance);
util::IpAddress instance_v6(unsigned function, unsigned instance);

/// The rules of a node that has the first instance of function 0 behind `caller_ifindex` and that
/// of function 1 behind `callee_ifindex`.
model::RuleSet many_functions(unsigned functions, unsigned caller_ifindex, unsigned callee_ifindex);

}  // namespace directfaas::bench
