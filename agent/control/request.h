// SPDX-License-Identifier: Apache-2.0
// A request of dfctl, read strictly: a wrong type or an unknown field is refused with its name.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "agent/control/answers.h"

namespace directfaas::control {

class Request {
   public:
    static std::expected<Request, Refusal> parse(std::string_view line);

    [[nodiscard]] const std::string& command() const { return command_; }

    /// All of it, for what reads its fields otherwise.
    [[nodiscard]] const Json& whole() const { return object_; }
    /// Fields; the first one that is wrong is remembered and makes wrong() true.
    std::string text(const char* name);  // "" if absent
    bool flag(const char* name);         // false if absent
    std::optional<double> number(const char* name, double least, double most);
    /// After all fields of a command were asked for: what was wrong, or not asked for.
    [[nodiscard]] std::optional<Refusal> wrong() const;
    /// Like wrong(), and each of `names` must be there and not empty.
    [[nodiscard]] std::optional<Refusal> wrong_without(
        std::initializer_list<const char*> names) const;

   private:
    void refuse(const char* name, const char* allowed);

    Json object_;
    std::string command_;
    std::set<std::string> asked_{"command"};
    std::optional<Refusal> refusal_;
};

}  // namespace directfaas::control
