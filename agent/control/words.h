// SPDX-License-Identifier: Apache-2.0
// How single values are written in answers.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "agent/control/answers.h"
#include "lib/model/rules.h"

namespace directfaas::control {

/// One line of text, whatever bytes its strings are made of.
inline std::string to_line(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

inline std::string_view enforcement_word(model::Enforcement enforcement) {
    switch (enforcement) {
        case model::Enforcement::kDisabled:
            return "Disabled";
        case model::Enforcement::kAudit:
            return "Audit";
        case model::Enforcement::kEnforce:
            return "Enforce";
    }
    return "";
}

inline std::string_view when_empty_word(model::WhenEmpty when_empty) {
    return when_empty == model::WhenEmpty::kHold ? "hold" : "refuse";
}

inline std::string_view state_word(model::EndpointState state) {
    return state == model::EndpointState::kReady ? "ready" : "draining";
}

inline std::string port_text(const model::PortProtocol& port) {
    return fmt::format("{}/{}", port.port, util::protocol_name(port.protocol));
}

inline Json place_json(const model::SourceLine& where) {
    return {{"file", where.file}, {"line", where.line}};
}

}  // namespace directfaas::control
