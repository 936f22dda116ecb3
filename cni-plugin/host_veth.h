// SPDX-License-Identifier: Apache-2.0
// From a container's interface to the host's end of its veth.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

namespace directfaas::cni {

struct HostVeth {
    unsigned ifindex = 0;
    std::string name;
    std::uint64_t netns_inode = 0;
};

/// Looks for `interface_name` in the namespace at `netns`, and for its peer in the caller's.
/// Nothing if the interface is no veth, or its other end is not here: other kinds cannot be
/// attached to. An error is one sentence. The thread is back in its own namespace afterwards.
std::expected<std::optional<HostVeth>, std::string> find_host_veth(
    const std::string& netns, const std::string& interface_name);

}  // namespace directfaas::cni
