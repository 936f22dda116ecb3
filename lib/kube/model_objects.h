// SPDX-License-Identifier: Apache-2.0
// Objects of an apiserver → objects of the model, by the decoders that read manifests. They are as
// strict as there: the apiserver has checked an object already, so that what they refuse is either
// not supported, or a chain from a CRD that is not ours.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/kube/raw_object.h"
#include "lib/kube/resource.h"
#include "lib/model/objects.h"

namespace directfaas::kube {

enum class Kind : std::uint8_t { kFunctionChain, kService, kEndpointSlice, kPod, kNetworkPolicy };

std::string_view kind_name(Kind kind);
/// All of them, in all namespaces; in `ns` only if it is not empty.
Resource resource_of(Kind kind, const std::string& ns = "");
/// "Pod shop/reviews-0": names an object where a manifest's file would be named.
std::string origin_of(Kind kind, const ObjectKey& key);
/// The other way round; nothing if it names no object of that kind.
std::optional<ObjectKey> key_of(Kind kind, std::string_view origin);

/// Where what an object stands for besides is offered by itself.
std::string apart_origin(const std::string& origin);

/// What one object says to the model.
struct ModelObject {
    /// One, and what it stands for besides; none: it does not concern us, or is wrong.
    std::vector<model::Object> objects;
    /// Taken for themselves: they may be refused while `objects` are in force.
    std::vector<model::Object> apart{};
    std::vector<model::Problem> problems;  // `where` is its origin, without a line
    /// It cannot be used; an earlier state of it stays in force.
    bool wrong = false;
    std::int64_t generation = 0;  // metadata.generation; 0: the kind has none
    std::string uid{};
    /// A chain's state that was accepted last, as its status tells, and its generation; empty if
    /// that is not told or is the newest state itself.
    std::vector<model::Object> last_accepted{};
    std::int64_t accepted_generation = 0;
    bool newest_accepted = false;  // the status says that this very state of a chain is in force
};

/// Thread-safe.
ModelObject to_model(Kind kind, const RawObject& raw);

}  // namespace directfaas::kube
