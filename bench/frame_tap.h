// SPDX-License-Identifier: Apache-2.0
// IPv4 frames that arrive at an interface of the current network namespace, without waiting for
// them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "lib/util/address.h"
#include "lib/util/unique_fd.h"

namespace directfaas::bench {

class FrameTap {
   public:
    /// Throws std::runtime_error.
    explicit FrameTap(const std::string& interface_name);

    struct Seen {
        util::IpAddress destination;
        std::chrono::system_clock::time_point at;  // when the kernel had it
        // Of TCP; else 0.
        std::uint16_t source_port = 0;
        std::uint16_t destination_port = 0;
        std::size_t payload = 0;
    };
    /// The next one, if there is one; what the interface itself sends is not seen.
    std::optional<Seen> take();

   private:
    util::UniqueFd socket_;
};

}  // namespace directfaas::bench
