// SPDX-License-Identifier: Apache-2.0
// One invocation of a CNI plugin of ours: which command, of which version, and how it ends.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "cni-plugin/call.h"

namespace directfaas::cni {

/// What the process prints and ends with.
struct Outcome {
    std::string result;  // for standard output: a result, an error object, or nothing
    std::string notes;   // for standard error
    int exit_status = 0;
};

using Result = std::expected<std::string, CniError>;

/// What a plugin does for each command; `input` is the configuration as it came. VERSION is the
/// same for all.
struct Verbs {
    struct Given {
        const Call& call;
        const Config& config;
        std::string_view input;
    };
    using Verb = std::function<Result(const Given&, std::string& notes)>;
    Verb add;
    Verb check;
    Verb collect;  // GC
    Verb status;
    /// DEL: cannot fail, so it gets the input even if that is no configuration.
    std::function<void(const Call&, std::string_view input, std::string& notes)> remove;
};

/// All of one invocation. Never throws.
Outcome run(const Verbs& verbs, const Call& call, std::string_view input) noexcept;

/// One line of JSON.
std::string text(const Json& json);

}  // namespace directfaas::cni
