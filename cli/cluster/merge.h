// SPDX-License-Identifier: Apache-2.0
// One answer from the answers of several nodes. Each call is counted at one node only
// (docs/control-protocol.md, "What is counted where"), so counters add up exactly; what every node
// knows of the whole cluster does not, and where nodes differ their names are told.
#pragma once

#include <string>
#include <vector>

#include "cli/fields.h"

namespace directfaas::cli {

struct FromNode {
    std::string node;
    Json answer;
};

/// Answers to `edges`: counters are sums; quantiles are those of the summed histogram, null if a
/// node that measured tells none. What one node does not count (null) is null.
Json merged_edges(const std::vector<FromNode>& answers);

/// Answers to `functions`: counters are sums, `instances` the union of what the nodes know, an
/// instance ready if one node says so. `differs_on[]`: nodes that know other vIPs, instances or
/// settings than the first that knows the function, or do not know it.
Json merged_functions(const std::vector<FromNode>& answers);

/// Samples of `top`: rates are sums of those that there are, null if there is none.
Json merged_samples(const std::vector<FromNode>& samples);

}  // namespace directfaas::cli
