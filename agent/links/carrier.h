// SPDX-License-Identifier: Apache-2.0
// Whether an interface has carrier now. Netlink announces a change up to a second late
// (net/core/link_watch.c), and within a second a pod may open connections.
#pragma once

#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::links {

class CarrierProbe {
   public:
    /// Asks about interfaces of the caller's network namespace from then on.
    static util::Result<CarrierProbe> open();

    /// False also if there is no such interface.
    [[nodiscard]] bool has_carrier(unsigned ifindex) const;

   private:
    explicit CarrierProbe(util::UniqueFd socket) : socket_(std::move(socket)) {}

    util::UniqueFd socket_;
};

}  // namespace directfaas::links
