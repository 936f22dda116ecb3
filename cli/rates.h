// SPDX-License-Identifier: Apache-2.0
// Rates from two readings of counters.
#pragma once

#include "cli/fields.h"

namespace directfaas::cli {

/// From two answers to `functions`, or two to `edges`, taken `seconds` (> 0) apart: {seconds,
/// functions[] | edges[]} with what holds now and `..._per_second`. A rate is null where there is
/// none: the item is new, or a counter went back because it was made anew.
Json rates_between(const Json& before, const Json& after, double seconds);

}  // namespace directfaas::cli
