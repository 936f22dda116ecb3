// SPDX-License-Identifier: Apache-2.0
// Random rule sets that a model could have made.
#pragma once

#include <random>
#include <vector>

#include "lib/model/rules.h"

namespace directfaas::backend::ebpf {

/// Draws from a small world, so that two draws share much: identities, addresses and vIPs stay,
/// change, go and come back. `interfaces` are those that pods may be attached to.
model::RuleSet random_rules(std::mt19937& random, const std::vector<unsigned>& interfaces);

}  // namespace directfaas::backend::ebpf
