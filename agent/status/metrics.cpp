// SPDX-License-Identifier: Apache-2.0
#include "agent/status/metrics.h"

#include "agent/status/families.h"

namespace directfaas::status {
namespace {

const std::vector<MakeFamily>& all_families() {
    static const auto all = [] {
        std::vector<MakeFamily> list;
        for (const auto& part : {function_families(), edge_families(), switch_families(),
                                 hold_families(), agent_families()}) {
            list.insert(list.end(), part.begin(), part.end());
        }
        return list;
    }();
    return all;
}

}  // namespace

std::size_t family_count() { return all_families().size(); }

prometheus::MetricFamily make_family(std::size_t number, const Snapshot& snapshot) {
    return all_families().at(number)(snapshot);
}

std::vector<prometheus::MetricFamily> Collector::Collect() const {
    const auto snapshot = take_();
    std::vector<prometheus::MetricFamily> families;
    families.reserve(family_count());
    for (std::size_t i = 0; i < family_count(); ++i) {
        families.push_back(make_family(i, snapshot));
    }
    return families;
}

}  // namespace directfaas::status
