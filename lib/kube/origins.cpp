// SPDX-License-Identifier: Apache-2.0
#include "lib/kube/origins.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "lib/util/log.h"

namespace directfaas::kube {

void Origins::put(const std::string& origin, ModelObject object) {
    if (object.problems.empty()) {
        decoding_.erase(origin);
    } else {
        decoding_[origin] = std::move(object.problems);
    }
    const InForce standing{object.generation, object.uid};
    fallbacks_.erase(origin);
    if (!object.last_accepted.empty()) {
        fallbacks_[origin] = {std::move(object.last_accepted),
                              {object.accepted_generation, object.uid},
                              object.objects,
                              standing};
    }
    if (object.wrong) {
        offers_.drop(origin);
        offered_.erase(origin);
        removing_.erase(origin);
        return;
    }
    put_one(origin, std::move(object.objects), standing);
    put_one(apart_origin(origin), std::move(object.apart), standing);
}

void Origins::put_one(const std::string& origin, ModelObjects objects, InForce standing) {
    if (objects.empty()) {
        remove_one(origin);
        return;
    }
    offers_.put(origin, std::move(objects));
    offered_[origin] = std::move(standing);
    removing_.erase(origin);
}

void Origins::remove(const std::string& origin) {
    decoding_.erase(origin);
    fallbacks_.erase(origin);
    remove_one(origin);
    remove_one(apart_origin(origin));
}

void Origins::remove_one(const std::string& origin) {
    offers_.drop(origin);
    offered_.erase(origin);
    if (in_force_.contains(origin)) {
        offers_.put(origin, {});
        offered_[origin] = {};
        removing_.insert(origin);
    }
}

void Origins::settle() {
    note_taken(offers_.settle(take_));
    fall_back();
    log_new_problems();
}

void Origins::note_taken(const std::vector<std::string>& origins) {
    for (const auto& origin : origins) {
        const auto offered = offered_.extract(origin);
        if (removing_.erase(origin) > 0) {
            in_force_.erase(origin);
        } else if (!offered.empty()) {
            in_force_[origin] = offered.mapped();
        }
    }
}

/// Where nothing is in force of an object, what was accepted last of it takes the place of what is
/// refused now. That is then offered again, and refused, so that its problems stand.
void Origins::fall_back() {
    std::set<std::string> tried;
    for (const auto& [origin, fallback] : fallbacks_) {
        if (!in_force_.contains(origin)) {
            offers_.put(origin, fallback.objects);
            offered_[origin] = fallback.standing;
            tried.insert(origin);
        }
    }
    if (tried.empty()) {
        return;
    }
    note_taken(offers_.settle(take_));
    for (const auto& origin : tried) {
        offers_.drop(origin);
        offered_.erase(origin);
        const auto& fallback = fallbacks_.at(origin);
        if (!fallback.newest.empty()) {
            offers_.put(origin, fallback.newest);
            offered_[origin] = fallback.newest_standing;
        }
    }
    note_taken(offers_.settle(take_));
}

std::vector<std::pair<ObjectKey, InForce>> Origins::in_force(Kind kind) const {
    std::vector<std::pair<ObjectKey, InForce>> found;
    const auto prefix = std::string(kind_name(kind)) + " ";
    for (auto it = in_force_.lower_bound(prefix);
         it != in_force_.end() && it->first.starts_with(prefix); ++it) {
        if (auto key = key_of(kind, it->first)) {
            found.emplace_back(*std::move(key), it->second);
        }
    }
    return found;
}

std::vector<model::Problem> Origins::problems() const {
    std::vector<model::Problem> all;
    for (const auto& [origin, problems] : decoding_) {
        all.insert(all.end(), problems.begin(), problems.end());
    }
    for (const auto& [origin, standing] : offered_) {
        std::ranges::move(offers_.problems(origin), std::back_inserter(all));
    }
    return all;
}

std::vector<model::Problem> Origins::problems_of(const std::string& origin) const {
    const auto found = decoding_.find(origin);
    auto all = found == decoding_.end() ? std::vector<model::Problem>{} : found->second;
    if (offered_.contains(origin)) {
        std::ranges::move(offers_.problems(origin), std::back_inserter(all));
    }
    return all;
}

void Origins::log_new_problems() {
    std::set<std::string> now;
    for (const auto& problem : problems()) {
        auto text = problem.text();
        if (!logged_.contains(text)) {
            problem.severity == model::Problem::Severity::kError ? util::log::error("{}", text)
                                                                 : util::log::warning("{}", text);
        }
        now.insert(std::move(text));
    }
    logged_ = std::move(now);
}

}  // namespace directfaas::kube
