// SPDX-License-Identifier: Apache-2.0
// Random rule sets from few names and addresses, so that two of them share and contradict a lot.
#pragma once

#include <random>

#include "lib/model/rules.h"

namespace directfaas::model::test {

/// A rule set; `density` is the chance of each possible entry, 0 to 1.
RuleSet random_rules(std::mt19937& random, double density);

}  // namespace directfaas::model::test
