// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/local_addresses.h"

#include <algorithm>
#include <cstring>

namespace directfaas::backend::ebpf {
namespace {

bool among(std::span<const df_addr> addresses, const df_addr& one) {
    return std::ranges::any_of(addresses, [&one](const df_addr& other) {
        return std::memcmp(&one, &other, sizeof(one)) == 0;
    });
}

}  // namespace

util::Result<void> LocalAddresses::load(const std::set<unsigned>& attached) {
    std::set<unsigned> gone;
    auto read = tables_->local_addr.for_each([&](const df_addr& address, unsigned ifindex) {
        known_[ifindex].push_back(address);
        if (!attached.contains(ifindex)) {
            gone.insert(ifindex);
        }
    });
    for (const unsigned ifindex : gone) {
        if (auto forgotten = forget(ifindex); !forgotten) {
            return forgotten;
        }
    }
    return read;
}

util::Result<void> LocalAddresses::set(unsigned ifindex, std::span<const df_addr> addresses) {
    for (const df_addr& address : addresses) {
        if (auto written = tables_->local_addr.put(address, ifindex); !written) {
            return written;
        }
    }
    for (const df_addr& address : known_[ifindex]) {
        const auto owner = tables_->local_addr.get(address);
        if (!owner) {
            return std::unexpected(owner.error());
        }
        if (among(addresses, address) || *owner != ifindex) {
            continue;
        }
        if (const auto erased = tables_->local_addr.erase(address); !erased) {
            return std::unexpected(erased.error());
        }
    }
    if (addresses.empty()) {
        known_.erase(ifindex);
    } else {
        known_[ifindex].assign(addresses.begin(), addresses.end());
    }
    return {};
}

}  // namespace directfaas::backend::ebpf
