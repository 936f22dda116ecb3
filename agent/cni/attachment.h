// SPDX-License-Identifier: Apache-2.0
// What the CNI plugin tells about a pod's interface when the pod is made.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lib/model/objects.h"
#include "lib/util/address.h"

namespace directfaas::cni {

/// A container and its interface: the runtime's name for one attachment.
struct Key {
    std::string container;
    std::string container_interface;

    auto operator<=>(const Key&) const = default;
};

struct Attachment {
    Key key;
    model::ObjectName pod;
    std::string uid;
    std::string interface_name;  // of the host's end
    unsigned ifindex = 0;        // likewise
    std::string netns;           // inode of the pod's namespace
    std::vector<util::IpAddress> addresses;
    /// The pod is being made at this moment, so it has no open connections. Not kept.
    bool fresh = false;

    bool operator==(const Attachment&) const = default;
};

/// How far a pod is. kEnforced: the switch is in place at its interface. kNoFunction: it belongs to
/// no chain. kUnknownPod: its object has not come from the source. kNotYet: it belongs to a chain
/// and the switch is not in place.
enum class State : std::uint8_t { kEnforced, kNoFunction, kUnknownPod, kNotYet };

/// As docs/control-protocol.md writes them.
constexpr const char* name_of(State state) {
    constexpr const char* kNames[] = {"enforced", "no_function", "unknown_pod", "not_yet"};
    return kNames[static_cast<unsigned>(state)];
}

struct Standing {
    State state = State::kUnknownPod;
    std::string why;  // for kUnknownPod and kNotYet
};

}  // namespace directfaas::cni
