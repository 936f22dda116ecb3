// SPDX-License-Identifier: Apache-2.0
// The objects of applications of any size: in each namespace a chain of ten functions, f0 → f1 → …
// → f9, with ten instances each.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "lib/util/address.h"

namespace directfaas::bench {

/// Of an application whose changes are measured.
inline constexpr unsigned kNamespaces = 100;
inline constexpr unsigned kCallers = 10;  // namespaces with a pod on this node
inline constexpr unsigned kFunctionsPerNamespace = 10;
inline constexpr unsigned kInstancesPerFunction = 10;
inline constexpr unsigned kCallee = 5;  // the function that changes (see NamespaceState)
inline constexpr std::uint16_t kPort = 80;
inline constexpr std::size_t kLargestFile = std::size_t{16} << 10U;
/// Node of the pods that are not elsewhere.
inline constexpr const char* kNode = "bench";

/// What of a namespace changes while it is measured.
struct NamespaceState {
    bool edge = false;        // function 0 may call function 5
    bool instance = true;     // function 5 has its last instance
    bool few = false;         // function 5 has two instances at most, not ten
    std::string interface{};  // host side of the first pod of function 0, if it is on this node
};

std::string namespace_name(unsigned ns);
std::string function_name(unsigned function);
util::IpAddress service_address(unsigned ns, unsigned function);
util::IpAddress pod_address(unsigned ns, unsigned function, unsigned instance);

nlohmann::json chain_object(unsigned ns, const NamespaceState& state);
nlohmann::json service_object(unsigned ns, unsigned function);
nlohmann::json slice_object(unsigned ns, unsigned function, const NamespaceState& state);
/// The first pod of function 0, behind state.interface.
nlohmann::json caller_object(unsigned ns, const NamespaceState& state);

/// All of a namespace as one file; at most kLargestFile bytes, or it throws.
std::string namespace_manifest(unsigned ns, const NamespaceState& state);

}  // namespace directfaas::bench
