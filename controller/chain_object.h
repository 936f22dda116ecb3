// SPDX-License-Identifier: Apache-2.0
// A FunctionChain as the controller sees it, and its status as the controller writes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/kube/model_objects.h"
#include "lib/kube/raw_object.h"

namespace directfaas::controller {

struct Condition {
    std::string type;
    std::string status;  // "True", "False", "Unknown"
    std::int64_t observed_generation = 0;
    std::string last_transition;  // RFC 3339, seconds
    std::string reason;
    std::string message;

    bool operator==(const Condition&) const = default;
};

struct AcceptedState {
    std::int64_t generation = 0;
    std::string spec;  // JSON, members sorted

    bool operator==(const AcceptedState&) const = default;
};

struct ChainStatus {
    std::int64_t observed_generation = 0;
    std::optional<AcceptedState> accepted;
    std::int64_t function_count = 0;
    std::int64_t edge_count = 0;
    std::string nodes;                                           // "2/3"
    std::vector<std::pair<std::string, std::string>> functions;  // name, first vIP or ""
    std::vector<Condition> conditions;

    [[nodiscard]] const Condition* condition(const std::string& type) const;
    bool operator==(const ChainStatus&) const = default;
};

struct ChainObject {
    kube::ModelObject model;
    std::string spec;  // JSON, members sorted
    ChainStatus status;
};

/// Never fails: what is not understood of a status is to be written anew.
ChainObject read_chain(const kube::RawObject& raw);

/// The body of a server-side apply to the chain's status.
std::string status_text(const kube::ObjectKey& key, const std::string& uid,
                        const ChainStatus& status);

/// The resource of one chain's status.
std::string status_path(const kube::ObjectKey& key);

}  // namespace directfaas::controller
