// SPDX-License-Identifier: Apache-2.0
// Sends held frames on as if they came from where they were caught. For the caller's end that takes
// an interface of our own, whose egress program redirects into the pod's veth.
#pragma once

#include <string>
#include <vector>

#include "agent/backend/backend.h"
#include "agent/backend/ebpf/attach.h"
#include "lib/util/result.h"
#include "lib/util/unique_fd.h"
#include "maps/config.h"

namespace directfaas::backend::ebpf {

class Replay {
   public:
    /// Makes the veth pair, or takes over the one of an earlier process, and attaches `program`.
    static util::Result<Replay> open(const std::string& instance, Attacher& attacher, int program);

    /// `marks` tells the programs that the frame is the agent's. ENXIO or ENODEV when the
    /// interface the frame came from is gone.
    util::Result<void> send(const HeldPacket& packet, ReplayAction action,
                            const df_config& marks) const;

    [[nodiscard]] unsigned ifindex() const { return ifindex_; }

    /// "dfr" and a hash: the pair's names end in a and b.
    static std::string interface_name(const std::string& instance);
    /// Removes the pair. No error if there is none.
    static util::Result<void> remove(const std::string& instance);

   private:
    unsigned ifindex_ = 0;
    util::UniqueFd socket_;
};

}  // namespace directfaas::backend::ebpf
