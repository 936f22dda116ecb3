// SPDX-License-Identifier: Apache-2.0
// Cutting a delta: when the backend refuses it whole, one bad rule must not keep the others out.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "lib/model/rules.h"
#include "lib/util/result.h"

namespace directfaas::sync {

/// Number of statements in a delta.
std::size_t statements(const model::RuleDelta& delta);

/// Removes the first `count` statements, in the order of RuleDelta, from `delta` and returns them.
model::RuleDelta take_front(model::RuleDelta& delta, std::size_t count);

/// "route 10.96.0.4:9080/TCP" for a delta of one statement; "12 rules" for longer ones.
std::string describe(const model::RuleDelta& delta);

using ApplyPiece = std::function<util::Result<void>(const model::RuleDelta&)>;

/// Applies a delta in pieces, each in the order of RuleDelta: revocations first, because they must
/// not wait, then what is added, then what is removed. A piece that fails is halved until the
/// statements at fault stand alone; `max_errors` bounds the tries. Returns an error for each.
std::vector<util::Error> apply_in_pieces(model::RuleDelta delta, const ApplyPiece& apply,
                                         std::size_t max_errors);

}  // namespace directfaas::sync
