// SPDX-License-Identifier: Apache-2.0
// Short ways to write Prometheus families by hand.
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "agent/status/figures.h"

namespace directfaas::status {

using Labels = std::vector<prometheus::ClientMetric::Label>;

/// One family under construction; the type decides where a value goes.
class Family {
   public:
    Family(prometheus::MetricType type, std::string name, std::string help);

    static Family counter(std::string name, std::string help);
    static Family gauge(std::string name, std::string help);
    static Family histogram(std::string name, std::string help);

    Family& add(Labels labels, double value) &;
    Family& add(Labels labels, const HistogramFigures& figures) &;
    [[nodiscard]] prometheus::MetricFamily take() && { return std::move(family_); }

   private:
    prometheus::MetricFamily family_;
};

/// A family with one series without labels.
prometheus::MetricFamily single_counter(std::string name, std::string help, double value);
prometheus::MetricFamily single_gauge(std::string name, std::string help, double value);

}  // namespace directfaas::status
