// SPDX-License-Identifier: Apache-2.0
#include "agent/control/request.h"

#include <fmt/format.h>

#include <utility>

namespace directfaas::control {
namespace {

Refusal bad(std::string error, std::string advice = "see docs/control-protocol.md") {
    return {"bad_request", std::move(error), std::move(advice)};
}

}  // namespace

std::expected<Request, Refusal> Request::parse(std::string_view line) {
    Request request;
    request.object_ = Json::parse(line, nullptr, false);
    if (!request.object_.is_object()) {
        return std::unexpected(bad("a request is one JSON object on one line"));
    }
    const auto command = request.object_.find("command");
    if (command == request.object_.end() || !command->is_string()) {
        return std::unexpected(bad("a request names its `command`"));
    }
    request.command_ = command->get<std::string>();
    return request;
}

void Request::refuse(const char* name, const char* allowed) {
    if (!refusal_) {
        refusal_ = bad(fmt::format("`{}` must be {}", name, allowed));
    }
}

std::string Request::text(const char* name) {
    asked_.insert(name);
    const auto found = object_.find(name);
    if (found == object_.end() || found->is_null()) {
        return "";
    }
    if (!found->is_string()) {
        refuse(name, "a string");
        return "";
    }
    return found->get<std::string>();
}

bool Request::flag(const char* name) {
    asked_.insert(name);
    const auto found = object_.find(name);
    if (found == object_.end() || found->is_null()) {
        return false;
    }
    if (!found->is_boolean()) {
        refuse(name, "true or false");
        return false;
    }
    return found->get<bool>();
}

std::optional<double> Request::number(const char* name, double least, double most) {
    asked_.insert(name);
    const auto found = object_.find(name);
    if (found == object_.end() || found->is_null()) {
        return std::nullopt;
    }
    const double value = found->is_number() ? found->get<double>() : least - 1;
    if (value < least || value > most) {
        refuse(name, fmt::format("a number from {} to {}", least, most).c_str());
        return std::nullopt;
    }
    return value;
}

std::optional<Refusal> Request::wrong() const {
    if (refusal_) {
        return refusal_;
    }
    for (const auto& [name, value] : object_.items()) {
        if (!asked_.contains(name)) {
            return bad(fmt::format("`{}` has no field `{}`", command_, name));
        }
    }
    return std::nullopt;
}

std::optional<Refusal> Request::wrong_without(std::initializer_list<const char*> names) const {
    if (auto refusal = wrong()) {
        return refusal;
    }
    for (const auto* name : names) {
        const auto found = object_.find(name);
        if (found == object_.end() || !found->is_string() ||
            found->get_ref<const std::string&>().empty()) {
            return bad(fmt::format("`{}` needs the field `{}`", command_, name));
        }
    }
    return std::nullopt;
}

}  // namespace directfaas::control
