// SPDX-License-Identifier: Apache-2.0
#include "lib/manifest/offers.h"

#include <utility>

namespace directfaas::manifest {

void Offers::put(const std::string& origin, std::vector<model::Object> objects) {
    waiting_.insert_or_assign(origin, Waiting{.objects = std::move(objects), .problems = {}});
}

std::vector<std::string> Offers::settle(const Take& take) {
    std::vector<std::string> taken;
    for (bool progress = true; progress && !waiting_.empty();) {
        progress = false;
        for (auto next = waiting_.begin(); next != waiting_.end();) {
            auto& [origin, offer] = *next;
            offer.problems = take(origin, offer.objects);
            if (!offer.problems.empty()) {
                ++next;
                continue;
            }
            progress = true;
            taken.push_back(origin);
            next = waiting_.erase(next);
        }
    }
    return taken;
}

std::vector<model::Problem> Offers::problems(const std::string& origin) const {
    const auto found = waiting_.find(origin);
    return found == waiting_.end() ? std::vector<model::Problem>{} : found->second.problems;
}

}  // namespace directfaas::manifest
