// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube_origins.h"

#include <iterator>
#include <utility>

#include "lib/util/log.h"

namespace directfaas::source {

void KubeOrigins::put(const std::string& origin, kube::ModelObject object) {
    if (object.problems.empty()) {
        decoding_.erase(origin);
    } else {
        decoding_[origin] = std::move(object.problems);
    }
    if (object.wrong) {
        offers_.drop(origin);
        offered_.erase(origin);
        removing_.erase(origin);
    } else if (object.objects.empty()) {
        remove(origin);
    } else {
        offers_.put(origin, std::move(object.objects));
        offered_.insert(origin);
        removing_.erase(origin);
    }
}

void KubeOrigins::remove(const std::string& origin) {
    decoding_.erase(origin);
    offers_.drop(origin);
    offered_.erase(origin);
    if (in_force_.contains(origin)) {
        offers_.put(origin, {});
        offered_.insert(origin);
        removing_.insert(origin);
    }
}

void KubeOrigins::settle() {
    for (const auto& origin : offers_.settle(replace_)) {
        offered_.erase(origin);
        if (removing_.erase(origin) > 0) {
            in_force_.erase(origin);
        } else {
            in_force_.insert(origin);
        }
    }
    log_new_problems();
}

std::vector<model::Problem> KubeOrigins::problems() const {
    std::vector<model::Problem> all;
    for (const auto& [origin, problems] : decoding_) {
        all.insert(all.end(), problems.begin(), problems.end());
    }
    for (const auto& origin : offered_) {
        std::ranges::move(offers_.problems(origin), std::back_inserter(all));
    }
    return all;
}

void KubeOrigins::log_new_problems() {
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

}  // namespace directfaas::source
