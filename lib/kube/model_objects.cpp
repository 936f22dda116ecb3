// SPDX-License-Identifier: Apache-2.0
#include "lib/kube/model_objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "lib/kube/json_text.h"
#include "lib/manifest/decode.h"
#include "lib/manifest/openfaas.h"

namespace directfaas::kube {
namespace {

struct KindFacts {
    std::string_view name;
    std::string_view api_version;
    std::string_view root;    // of its paths
    std::string_view plural;  // in paths
};

constexpr std::array<KindFacts, 5> kKinds{
    {{"FunctionChain", "directfaas.io/v1alpha1", "/apis/directfaas.io/v1alpha1", "functionchains"},
     {"Service", "v1", "/api/v1", "services"},
     {"EndpointSlice", "discovery.k8s.io/v1", "/apis/discovery.k8s.io/v1", "endpointslices"},
     {"Pod", "v1", "/api/v1", "pods"},
     {"NetworkPolicy", "networking.k8s.io/v1", "/apis/networking.k8s.io/v1", "networkpolicies"}}};

const KindFacts& facts(Kind kind) { return kKinds.at(static_cast<std::size_t>(kind)); }

/// Items of an apiserver's list do not say what they are; the list does.
std::string as_list(Kind kind, std::string_view item) {
    auto text = fmt::format(R"({{"apiVersion":"{}","kind":"{}List","items":[{}]}})",
                            facts(kind).api_version, facts(kind).name, item);
    // Go writes this one control character as it is, and manifests may not have it.
    for (auto at = text.find('\x7f'); at != std::string::npos; at = text.find('\x7f', at)) {
        text.replace(at, 1, "\\u007f");
    }
    return text;
}

/// All of an object of an apiserver is in one line.
void forget_lines(model::Object& object) {
    std::visit([](auto& any) { any.where.line = 0; }, object);
    auto* chain = std::get_if<model::FunctionChain>(&object);
    if (chain == nullptr) {
        return;
    }
    const auto forget = [](auto& statements) {
        for (auto& statement : statements) {
            statement.where.line = 0;
        }
    };
    forget(chain->functions);
    forget(chain->edges);
    forget(chain->entries);
}

/// Problems name the origin by the place of what is wrong.
void move_to(model::Object& object, const std::string& origin) {
    auto& chain = std::get<model::FunctionChain>(object);
    chain.where.file = origin;
    for (auto& edge : chain.edges) {
        edge.where.file = origin;
    }
}

}  // namespace

std::string_view kind_name(Kind kind) { return facts(kind).name; }

Resource resource_of(Kind kind, const std::string& ns) {
    return {.path = fmt::format("{}{}{}/{}", facts(kind).root, ns.empty() ? "" : "/namespaces/", ns,
                                facts(kind).plural)};
}

std::string origin_of(Kind kind, const ObjectKey& key) {
    return fmt::format("{} {}", kind_name(kind), key.text());
}

std::string apart_origin(const std::string& origin) { return origin + " (invokes)"; }

std::optional<ObjectKey> key_of(Kind kind, std::string_view origin) {
    const auto name = kind_name(kind);
    if (!origin.starts_with(name) || !origin.substr(name.size()).starts_with(' ')) {
        return std::nullopt;
    }
    origin.remove_prefix(name.size() + 1);
    const auto slash = origin.find('/');
    if (slash == std::string_view::npos) {
        return std::nullopt;
    }
    return ObjectKey{std::string(origin.substr(0, slash)), std::string(origin.substr(slash + 1))};
}

namespace {

/// What status.accepted says of an earlier generation.
void read_last_accepted(const RawObject& raw, ModelObject& result) {
    const auto status = json::member(raw.text, "status");
    const auto accepted = status ? json::member(*status, "accepted") : std::nullopt;
    const auto spec = accepted ? json::member(*accepted, "spec") : std::nullopt;
    if (!spec) {
        return;
    }
    const auto generation = json::number_member(*accepted, "generation").value_or(0);
    result.newest_accepted = generation != 0 && generation == raw.generation;
    if (generation == 0 || result.newest_accepted) {
        return;
    }
    const auto item = fmt::format(R"({{"metadata":{{"namespace":{},"name":{}}},"spec":{}}})",
                                  json::quoted(raw.key.ns), json::quoted(raw.key.name), *spec);
    auto decoded = manifest::decode(origin_of(Kind::kFunctionChain, raw.key),
                                    as_list(Kind::kFunctionChain, item));
    if (decoded.ok()) {
        std::ranges::for_each(decoded.objects, forget_lines);
        result.last_accepted = std::move(decoded.objects);
        result.accepted_generation = generation;
    }
}

}  // namespace

ModelObject to_model(Kind kind, const RawObject& raw) {
    auto decoded = manifest::decode(origin_of(kind, raw.key), as_list(kind, raw.text));
    ModelObject result;
    result.wrong = !decoded.ok();
    result.objects = std::move(decoded.objects);
    for (auto& object : result.objects) {
        forget_lines(object);
    }
    const auto apart = std::ranges::stable_partition(
        result.objects, [](const auto& object) { return !manifest::is_openfaas_edges(object); });
    result.apart.assign(std::move_iterator(apart.begin()), std::move_iterator(apart.end()));
    result.objects.erase(apart.begin(), apart.end());
    for (auto& object : result.apart) {
        move_to(object, apart_origin(origin_of(kind, raw.key)));
    }
    if (kind == Kind::kFunctionChain) {
        read_last_accepted(raw, result);
    }
    result.uid = raw.uid;
    result.generation = raw.generation;
    for (auto& problem : decoded.problems) {
        // A cluster is full of pods and Services that are none of ours and need no warning.
        if (problem.severity == model::Problem::Severity::kError || kind == Kind::kFunctionChain) {
            problem.where.line = 0;
            result.problems.push_back(std::move(problem));
        }
    }
    return result;
}

}  // namespace directfaas::kube
