// SPDX-License-Identifier: Apache-2.0
// Functions as OpenFaaS deploys them: annotations of their Services say what a FunctionChain would.
#pragma once

#include <string_view>
#include <vector>

#include "lib/manifest/report.h"
#include "lib/manifest/value.h"
#include "lib/model/objects.h"

namespace directfaas::manifest {

/// Annotations of functions, on their Services and in stack files.
inline constexpr std::string_view kInvokesAnnotation = "directfaas.io/invokes";
inline constexpr std::string_view kExposureAnnotation = "directfaas.io/exposure";
inline constexpr std::string_view kScaleAnnotation = "directfaas.io/scale-from-zero";

/// Parts of "a, b" without the blanks around them; of blanks alone: none. Empty parts are kept.
std::vector<std::string_view> parts_between_commas(std::string_view text);

/// The chains that a Service stands for: one that lists it as a function, and apart from it, since
/// a callee may not be there yet, one with its edges. Nothing if its annotations ask for nothing;
/// what is wrong with them is reported.
std::vector<model::Object> openfaas_chains(const Node& root, const model::Service& service,
                                           Report& report);

/// Whether this is the chain with the edges.
bool is_openfaas_edges(const model::Object& object);

}  // namespace directfaas::manifest
