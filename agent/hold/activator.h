// SPDX-License-Identifier: Apache-2.0
// The seam between held calls and whoever can start an instance: a script on a single host, the
// controller on a cluster.
#pragma once

#include <functional>

#include "lib/model/rules.h"
#include "lib/util/result.h"

namespace directfaas::hold {

class Activator {
   public:
    /// Told whether the start was made, not whether the instance is ready: that comes as a rule.
    using Done = std::function<void(util::Result<void>)>;

    virtual ~Activator() = default;

    /// Starts an instance of `function`. Returns at once; calls `done` exactly once, later, on the
    /// loop's thread, within a time the activator bounds itself. Not called again for the same
    /// function before that.
    virtual void activate(const model::Identity& function, Done done) = 0;
};

}  // namespace directfaas::hold
