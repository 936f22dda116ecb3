// SPDX-License-Identifier: Apache-2.0
// Work in the container's network namespace.
#pragma once

#include <expected>
#include <functional>
#include <string>

#include "lib/util/unique_fd.h"

namespace directfaas::cni::ovs {

std::expected<util::UniqueFd, std::string> open_netns(const std::string& path);

/// Runs it on this thread there, and comes back. An error is one sentence.
std::expected<void, std::string> in_netns(
    int netns, const std::function<std::expected<void, std::string>()>& work);

}  // namespace directfaas::cni::ovs
