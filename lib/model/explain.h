// SPDX-License-Identifier: Apache-2.0
// Why a call is or is not allowed, in sentences.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "lib/model/generator.h"

namespace directfaas::model {

/// See Model::explain().
[[nodiscard]] std::expected<Explanation, Problem> explain_call(const Generator& generator,
                                                               const std::string& from,
                                                               const std::string& to,
                                                               std::optional<std::uint16_t> port);

}  // namespace directfaas::model
