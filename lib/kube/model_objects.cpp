// SPDX-License-Identifier: Apache-2.0
#include "lib/kube/model_objects.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "lib/manifest/decode.h"

namespace directfaas::kube {
namespace {

struct KindFacts {
    std::string_view name;
    std::string_view api_version;
    std::string_view root;    // of its paths
    std::string_view plural;  // in paths
};

constexpr std::array<KindFacts, 4> kKinds{
    {{"FunctionChain", "directfaas.io/v1alpha1", "/apis/directfaas.io/v1alpha1", "functionchains"},
     {"Service", "v1", "/api/v1", "services"},
     {"EndpointSlice", "discovery.k8s.io/v1", "/apis/discovery.k8s.io/v1", "endpointslices"},
     {"Pod", "v1", "/api/v1", "pods"}}};

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

}  // namespace

std::string_view kind_name(Kind kind) { return facts(kind).name; }

Resource resource_of(Kind kind, const std::string& ns) {
    return {.path = fmt::format("{}{}{}/{}", facts(kind).root, ns.empty() ? "" : "/namespaces/", ns,
                                facts(kind).plural)};
}

std::string origin_of(Kind kind, const ObjectKey& key) {
    return fmt::format("{} {}", kind_name(kind), key.text());
}

ModelObject to_model(Kind kind, const RawObject& raw) {
    auto decoded = manifest::decode(origin_of(kind, raw.key), as_list(kind, raw.text));
    ModelObject result;
    result.wrong = !decoded.ok();
    result.objects = std::move(decoded.objects);
    for (auto& object : result.objects) {
        forget_lines(object);
    }
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
