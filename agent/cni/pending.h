// SPDX-License-Identifier: Apache-2.0
// What the CNI plugin left in files while the agent was away ("<socket>.pending").
#pragma once

#include <functional>
#include <string>

namespace directfaas::cni {

/// Hands each file's text to `take`, then removes the file. Does nothing when there are none.
void take_pending(const std::string& socket, const std::function<void(const std::string&)>& take);

}  // namespace directfaas::cni
