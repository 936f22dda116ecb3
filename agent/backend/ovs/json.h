// SPDX-License-Identifier: Apache-2.0
// The JSON of OVSDB, of the control sockets, and of the records in the bridge.
#pragma once

#include <nlohmann/json.hpp>

namespace directfaas::backend::ovs {

using Json = nlohmann::json;

}  // namespace directfaas::backend::ovs
