// SPDX-License-Identifier: Apache-2.0
#include "lib/model/model.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "lib/model/explain.h"
#include "lib/model/generator.h"

namespace directfaas::model {

struct Model::State {
    explicit State(NodeSettings settings) : generator(std::move(settings)) {}

    Origins origins;  // owns what the generator points to
    Generator generator;
};

Model::Model(NodeSettings settings) : state_(std::make_unique<State>(std::move(settings))) {}
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::~Model() = default;

std::expected<RuleDelta, std::vector<Problem>> Model::replace(const std::string& origin,
                                                              std::vector<Object> objects) {
    std::vector<OriginContent> contents;
    contents.push_back({origin, std::move(objects)});
    return replace_all(std::move(contents));
}

std::expected<RuleDelta, std::vector<Problem>> Model::replace_all(
    std::vector<OriginContent> contents) {
    auto& [origins, generator] = *state_;
    auto staged = origins.stage(std::move(contents), generator.objects());
    if (!staged) {
        return std::unexpected(std::move(staged.error()));
    }
    std::vector<Problem> problems;
    auto delta = generator.update(staged->changes, problems);
    if (problems.empty()) {
        origins.commit(std::move(*staged));
        return delta;
    }
    for (auto& change : staged->changes) {
        std::swap(change.before, change.after);
    }
    std::vector<Problem> of_the_way_back;  // the state was accepted before
    generator.update(staged->changes, of_the_way_back);
    std::ranges::sort(problems, {}, [](const Problem& problem) {
        return std::tie(problem.where, problem.object, problem.message);
    });
    return std::unexpected(std::move(problems));
}

RuleDelta Model::set_link(const ObjectName& pod, std::optional<Link> link) {
    return state_->generator.set_link(pod, std::move(link));
}

const RuleSet& Model::rules() const { return state_->generator.rules(); }

std::vector<LocalPod> Model::local_pods() const { return state_->generator.local_pods(); }

std::optional<Link> Model::link(const ObjectName& pod) const { return state_->generator.link(pod); }

PodKind Model::pod_kind(const ObjectName& pod) const { return state_->generator.pod_kind(pod); }

std::vector<Problem> Model::warnings() const { return state_->generator.warnings(); }

std::expected<Explanation, Problem> Model::explain(const std::string& from, const std::string& to,
                                                   std::optional<std::uint16_t> port) const {
    return explain_call(state_->generator, from, to, port);
}

std::map<AllowKey, SourceLine> Model::allow_sources() const {
    std::map<AllowKey, SourceLine> sources;
    for (const auto& function : state_->generator.functions()) {
        for (const auto& caller : state_->generator.callers_of(function)) {
            sources.emplace(AllowKey{caller.identity, function.first}, *caller.where);
        }
    }
    return sources;
}

}  // namespace directfaas::model
