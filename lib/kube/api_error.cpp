// SPDX-License-Identifier: Apache-2.0
#include "lib/kube/api_error.h"

#include <fmt/format.h>

#include "lib/kube/json_text.h"

namespace directfaas::kube {
namespace {

constexpr std::size_t kMaxMessage = 500;

}  // namespace

bool ApiError::version_too_large() const {
    return cause == "ResourceVersionTooLarge" || message.contains("Too large resource version");
}

std::string ApiError::text() const {
    if (code == 0) {
        return message;
    }
    return fmt::format("{}{}{}{}{}", code, reason.empty() ? "" : " ", reason,
                       message.empty() ? "" : ": ", message);
}

ApiError status_error(std::string_view status) {
    ApiError error;
    if (json::text_member(status, "kind") != "Status") {
        error.message = status.substr(0, kMaxMessage);
        while (error.message.ends_with('\n')) {
            error.message.pop_back();
        }
        return error;
    }
    error.code = json::number_member(status, "code").value_or(0);
    error.reason = json::text_member(status, "reason");
    error.message = json::text_member(status, "message");
    const auto details = json::member(status, "details");
    if (!details) {
        return error;
    }
    if (const auto seconds = json::number_member(*details, "retryAfterSeconds");
        seconds && *seconds > 0) {
        error.retry_after = std::chrono::seconds{*seconds};
    }
    if (const auto causes = json::member(*details, "causes")) {
        json::elements(*causes, [&](std::string_view cause) {
            error.cause = json::text_member(cause, "reason");
            return false;
        });
    }
    return error;
}

ApiError api_error(const HttpResponse& response) {
    auto error = status_error(response.body);
    error.code = response.status;
    if (response.retry_after) {
        error.retry_after = response.retry_after;
    }
    return error;
}

ApiError api_error(const util::Error& no_answer) {
    ApiError error;
    error.message = no_answer.text();
    return error;
}

}  // namespace directfaas::kube
