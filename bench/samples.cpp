// SPDX-License-Identifier: Apache-2.0
#include "bench/samples.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace directfaas::bench {

std::string Samples::json() const {
    return nlohmann::json{{"rounds", rounds_}, {"notes", notes_}, {"series", series_}}.dump();
}

double quantile(std::vector<double>& values, double share) {
    if (values.empty()) {
        return 0;
    }
    std::ranges::sort(values);
    const auto rank = std::ceil(share * static_cast<double>(values.size()));
    return values[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

void progress(const std::string& what, std::size_t done, std::size_t all) {
    if (isatty(STDERR_FILENO) == 1) {
        fmt::print(stderr, "\r{}: {} of {}{}", what, done, all, done == all ? "\n" : "");
    }
}

}  // namespace directfaas::bench
