// SPDX-License-Identifier: Apache-2.0
// Objects of an apiserver → objects of the model, by the decoders that read manifests. They are as
// strict as there: the apiserver has checked an object already, so that what they refuse is either
// not supported, or a chain from a CRD that is not ours.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/kube/raw_object.h"
#include "lib/kube/resource.h"
#include "lib/model/objects.h"

namespace directfaas::kube {

enum class Kind : std::uint8_t { kFunctionChain, kService, kEndpointSlice, kPod };

std::string_view kind_name(Kind kind);
/// All of them, in all namespaces; in `ns` only if it is not empty.
Resource resource_of(Kind kind, const std::string& ns = "");
/// "Pod shop/reviews-0": names an object where a manifest's file would be named.
std::string origin_of(Kind kind, const ObjectKey& key);

/// What one object says to the model.
struct ModelObject {
    std::vector<model::Object> objects;    // at most one; none: it does not concern us, or is wrong
    std::vector<model::Problem> problems;  // `where` is its origin, without a line
    /// It cannot be used; an earlier state of it stays in force.
    bool wrong = false;
};

/// Thread-safe.
ModelObject to_model(Kind kind, const RawObject& raw);

}  // namespace directfaas::kube
