// SPDX-License-Identifier: Apache-2.0
// The opt-in guard of the node's uplinks: one XDP program, on devices that may come and go.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/backend/backend.h"
#include "agent/backend/ebpf/ebpf_backend.h"
#include "agent/backend/ebpf/pins.h"
#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::backend::ebpf {

class Uplinks {
   public:
    Uplinks(const Pins& pins, const UplinkOptions& options) : pins_(&pins), options_(options) {}

    /// Takes `program` (-1 if no device is to be guarded) to every device that is there, replaces
    /// an earlier process's in place, and takes it away from devices that are not asked for any
    /// more.
    util::Result<void> load(int program);
    /// Looks whether every device is guarded and guards those that have come; cheap if nothing has
    /// changed. What stands in the way is told by standing(), and logged when it changes.
    void look();
    util::Result<void> detach_all();

    /// Every device that was asked for.
    [[nodiscard]] std::vector<UplinkStanding> standing() const;

   private:
    struct Guard {
        util::UniqueFd link;
        std::string problem = "not looked at yet";  // empty: the device is guarded
    };
    util::Result<util::UniqueFd> guard(const std::string& device) const;
    [[nodiscard]] std::string pin_of(const std::string& device) const;

    const Pins* pins_;
    UplinkOptions options_;
    int program_ = -1;
    std::map<std::string, Guard> guards_;  // by device
};

}  // namespace directfaas::backend::ebpf
