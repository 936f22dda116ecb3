// SPDX-License-Identifier: Apache-2.0
// Prometheus text format 0.0.4 to values, so that tests read the numbers an operator would.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "test/support/netns.h"

namespace directfaas::support {

struct Sample {
    std::string name;
    std::map<std::string, std::string> labels;
    double value = 0;
};

class Metrics {
   public:
    /// Throws SupportError on text that is not in the format.
    static Metrics parse(const std::string& text);
    /// GETs http://127.0.0.1:`port`/metrics from inside `netns`.
    static Metrics scrape(const Netns& netns, std::uint16_t port);

    /// Sum over all series of `name` that have these labels; 0 if there is none.
    [[nodiscard]] double sum(const std::string& name,
                             const std::map<std::string, std::string>& labels = {}) const;
    [[nodiscard]] bool has(const std::string& name,
                           const std::map<std::string, std::string>& labels = {}) const;
    /// Values of `name` summed by one label.
    [[nodiscard]] std::map<std::string, double> by(const std::string& name,
                                                   const std::string& label) const;

   private:
    std::vector<Sample> samples_;
};

}  // namespace directfaas::support
