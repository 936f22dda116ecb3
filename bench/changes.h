// SPDX-License-Identifier: Apache-2.0
// How changes and whole applications are given to an agent, whatever switch it drives.
#pragma once

#include <functional>
#include <vector>

#include "bench/big_application.h"
#include "bench/samples.h"

namespace directfaas::bench {

/// Changes an edge, then instances, `changes` times, on the measured CPU and inside `node`: one by
/// one, as from a person or a controller, not as a burst. `edge` and `instances` make the change of
/// that number and return the ms until it is in force.
void measure_changes(const support::Netns& node, unsigned changes,
                     const std::function<double(unsigned)>& edge,
                     const std::function<double(unsigned)>& instances, Samples& samples);

/// How long 10 000 functions take from nothing, the agent's start included: `times` times. `loaded`
/// looks at each when it is there.
void measure_load(
    BigApplication::Backend backend, unsigned times, Samples& samples,
    const std::function<void(const BigApplication&)>& loaded = [](const BigApplication&) {});

}  // namespace directfaas::bench
