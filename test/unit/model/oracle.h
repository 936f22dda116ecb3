// SPDX-License-Identifier: Apache-2.0
// What the rules must be, written down a second time: from all objects at once, with nothing
// remembered and no index, as slow and as plain as possible.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lib/model/model.h"

namespace directfaas::model::test {

/// For objects that a Model accepts together.
RuleSet expected_rules(const std::vector<Object>& objects, const std::map<ObjectName, Link>& links,
                       const std::string& node);

}  // namespace directfaas::model::test
