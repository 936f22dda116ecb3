// SPDX-License-Identifier: Apache-2.0
// All metrics of the agent, made anew from what the switch and the agent count. Series are
// functions and edges, never pods or addresses, and are there with 0 from the start.
#pragma once

#include <prometheus/collectable.h>

#include <cstddef>
#include <functional>
#include <vector>

#include "agent/backend/backend.h"
#include "agent/status/figures.h"

namespace directfaas::status {

/// One moment of everything.
struct Snapshot {
    backend::Counters counters;
    AgentFigures agent;
};

/// Number of families, and each by its number: a scrape of thousands of edges is written family
/// by family, so that it is never in memory as a whole.
std::size_t family_count();
prometheus::MetricFamily make_family(std::size_t number, const Snapshot& snapshot);

/// The same for those who expect prometheus-cpp's interface.
class Collector final : public prometheus::Collectable {
   public:
    explicit Collector(std::function<Snapshot()> take) : take_(std::move(take)) {}
    [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

   private:
    std::function<Snapshot()> take_;
};

// The parts of the list, by what they read.
using MakeFamily = prometheus::MetricFamily (*)(const Snapshot&);
std::vector<MakeFamily> function_families();
std::vector<MakeFamily> edge_families();
std::vector<MakeFamily> switch_families();
std::vector<MakeFamily> hold_families();
std::vector<MakeFamily> agent_families();

}  // namespace directfaas::status
