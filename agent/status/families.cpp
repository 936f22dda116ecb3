// SPDX-License-Identifier: Apache-2.0
#include "agent/status/families.h"

#include <limits>

namespace directfaas::status {

using prometheus::MetricType;

Family::Family(MetricType type, std::string name, std::string help) {
    family_.name = std::move(name);
    family_.help = std::move(help);
    family_.type = type;
}

Family Family::counter(std::string name, std::string help) {
    return {MetricType::Counter, std::move(name), std::move(help)};
}

Family Family::gauge(std::string name, std::string help) {
    return {MetricType::Gauge, std::move(name), std::move(help)};
}

Family Family::histogram(std::string name, std::string help) {
    return {MetricType::Histogram, std::move(name), std::move(help)};
}

Family& Family::add(Labels labels, double value) & {
    auto& metric = family_.metric.emplace_back();
    metric.label = std::move(labels);
    if (family_.type == MetricType::Counter) {
        metric.counter.value = value;
    } else {
        metric.gauge.value = value;
    }
    return *this;
}

Family& Family::add(Labels labels, const HistogramFigures& figures) & {
    auto& metric = family_.metric.emplace_back();
    metric.label = std::move(labels);
    auto& histogram = metric.histogram;
    histogram.bucket.reserve(figures.bounds.size() + 1);
    std::uint64_t below = 0;
    for (std::size_t i = 0; i <= figures.bounds.size(); ++i) {
        below += i < figures.buckets.size() ? figures.buckets[i] : 0;
        const double bound =
            i < figures.bounds.size() ? figures.bounds[i] : std::numeric_limits<double>::infinity();
        histogram.bucket.push_back({below, bound});
    }
    histogram.sample_count = below;
    histogram.sample_sum = figures.sum;
    return *this;
}

prometheus::MetricFamily single_counter(std::string name, std::string help, double value) {
    auto family = Family::counter(std::move(name), std::move(help));
    family.add({}, value);
    return std::move(family).take();
}

prometheus::MetricFamily single_gauge(std::string name, std::string help, double value) {
    auto family = Family::gauge(std::move(name), std::move(help));
    family.add({}, value);
    return std::move(family).take();
}

}  // namespace directfaas::status
