// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/node_addresses.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>

namespace directfaas::backend::ovs {

std::vector<util::IpAddress> node_addresses() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) {
        return {};
    }
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, ::freeifaddrs);
    std::vector<util::IpAddress> found;
    for (const auto* entry = list; entry != nullptr; entry = entry->ifa_next) {
        const int family = entry->ifa_addr == nullptr ? AF_UNSPEC : entry->ifa_addr->sa_family;
        const auto* raw = reinterpret_cast<const std::uint8_t*>(entry->ifa_addr);
        if (family == AF_INET) {
            found.push_back(
                *util::IpAddress::from_bytes({raw + offsetof(sockaddr_in, sin_addr), 4}));
        } else if (family == AF_INET6) {
            found.push_back(
                *util::IpAddress::from_bytes({raw + offsetof(sockaddr_in6, sin6_addr), 16}));
        }
    }
    std::ranges::sort(found);
    const auto repeated = std::ranges::unique(found);
    found.erase(repeated.begin(), repeated.end());
    return found;
}

}  // namespace directfaas::backend::ovs
