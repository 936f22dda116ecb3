// SPDX-License-Identifier: Apache-2.0
// IPv4 frames that arrive at an interface of the current network namespace, without waiting for
// them.
#pragma once

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
    };
    /// The next one, if there is one; what the interface itself sends is not seen.
    std::optional<Seen> take();

   private:
    util::UniqueFd socket_;
};

}  // namespace directfaas::bench
