// SPDX-License-Identifier: Apache-2.0
// What a benchmark program hands to bench/run: one JSON object, rounds of values by name. Values of
// the same round belong together (they were measured one after the other, in shuffled order), so
// ratios are taken within a round.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace directfaas::bench {

class Samples {
   public:
    /// Begins a round; add() goes into it.
    void next_round() { rounds_.emplace_back(); }
    void add(const std::string& name, double value) { rounds_.back()[name] = value; }
    /// A value that there is only one of.
    void note(const std::string& name, double value) { notes_[name] = value; }
    /// Many values of one kind whose distribution matters.
    void series(const std::string& name, std::vector<double> values) {
        series_[name] = std::move(values);
    }
    /// {"rounds": [{name: value}], "notes": {name: value}, "series": {name: [value]}}
    [[nodiscard]] std::string json() const;

   private:
    std::vector<std::map<std::string, double>> rounds_;
    std::map<std::string, double> notes_;
    std::map<std::string, std::vector<double>> series_;
};

/// The quantile `share` (0 to 1) of `values`, which it sorts. 0 for none.
double quantile(std::vector<double>& values, double share);

/// Progress on standard error: a line that overwrites itself on a terminal, nothing elsewhere.
void progress(const std::string& what, std::size_t done, std::size_t all);

}  // namespace directfaas::bench
