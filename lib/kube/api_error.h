// SPDX-License-Identifier: Apache-2.0
// Why the apiserver refused: the Status object of its answer, in the form that callers decide by.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "lib/kube/http_transport.h"
#include "lib/util/result.h"

namespace directfaas::kube {

struct ApiError {
    int code = 0;         // HTTP's; 0: there was no answer
    std::string reason;   // "NotFound", "Conflict", "Expired", ...
    std::string message;  // for people
    std::string cause;    // reason of the first of details.causes
    std::optional<std::chrono::seconds> retry_after{};

    /// The resource version (or the page) is too old to go on from.
    [[nodiscard]] bool expired() const {
        return code == 410 || reason == "Expired" || reason == "Gone";
    }
    /// The resource version is of a future that this apiserver has not seen: it lags, or its
    /// storage was put back to an earlier state.
    [[nodiscard]] bool version_too_large() const;
    [[nodiscard]] bool conflict() const { return code == 409; }
    [[nodiscard]] bool not_found() const { return code == 404; }
    [[nodiscard]] bool too_many_requests() const { return code == 429; }
    [[nodiscard]] bool server_side() const { return code >= 500; }
    /// "403 Forbidden: message".
    [[nodiscard]] std::string text() const;
};

template <typename T>
using Answer = std::expected<T, ApiError>;

/// From a Status object's text. Text that is none becomes the message.
ApiError status_error(std::string_view status);
/// From an answer whose status is none of success.
ApiError api_error(const HttpResponse& response);
ApiError api_error(const util::Error& no_answer);

}  // namespace directfaas::kube
