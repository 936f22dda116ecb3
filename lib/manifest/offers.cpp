// SPDX-License-Identifier: Apache-2.0
#include "lib/manifest/offers.h"

#include <utility>

namespace directfaas::manifest {

void Offers::put(const std::string& origin, std::vector<model::Object> objects) {
    waiting_.insert_or_assign(
        origin, Waiting{.objects = std::move(objects), .problems = {}, .fresh = true});
}

void Offers::renew() {
    for (auto& [origin, offer] : waiting_) {
        offer.fresh = true;
    }
}

std::vector<std::string> Offers::settle(const Take& take) {
    std::vector<std::string> taken;
    take_together(group(true), take, taken);
    for (bool progress = true; progress && !waiting_.empty();) {
        progress = take_each(take, taken);
        if (waiting_.size() > 1) {
            progress = take_together(group(false), take, taken) || progress;
        }
    }
    return taken;
}

Offers::Group Offers::group(bool only_fresh) {
    Group group;
    for (auto& [origin, offer] : waiting_) {
        if (offer.fresh || !only_fresh) {
            group.emplace(origin, &offer);
        }
        offer.fresh = false;
    }
    return group;
}

/// Leaves those out whose lines the refusal names, until the rest is taken or none is named.
bool Offers::take_together(Group group, const Take& take, std::vector<std::string>& taken) {
    while (!group.empty()) {
        std::vector<model::OriginContent> contents;
        contents.reserve(group.size());
        for (const auto& [origin, offer] : group) {
            contents.push_back({origin, offer->objects});
        }
        const auto problems = take(std::move(contents));
        if (problems.empty()) {
            for (const auto& [origin, offer] : group) {
                taken.push_back(origin);
                waiting_.erase(origin);
            }
            return true;
        }
        std::size_t blamed = 0;
        for (const auto& problem : problems) {
            blamed += group.erase(problem.where.file);
        }
        if (blamed == 0) {
            return false;
        }
    }
    return false;
}

bool Offers::take_each(const Take& take, std::vector<std::string>& taken) {
    bool any = false;
    for (auto next = waiting_.begin(); next != waiting_.end();) {
        auto& [origin, offer] = *next;
        std::vector<model::OriginContent> alone;
        alone.push_back({origin, offer.objects});
        offer.problems = take(std::move(alone));
        if (!offer.problems.empty()) {
            ++next;
            continue;
        }
        any = true;
        taken.push_back(origin);
        next = waiting_.erase(next);
    }
    return any;
}

std::vector<model::Problem> Offers::problems(const std::string& origin) const {
    const auto found = waiting_.find(origin);
    return found == waiting_.end() ? std::vector<model::Problem>{} : found->second.problems;
}

}  // namespace directfaas::manifest
