// SPDX-License-Identifier: Apache-2.0
// What goes into the controller's view. What it says of a chain is in chain_status.cpp.
#include "controller/cluster.h"

#include <algorithm>
#include <utility>

#include "lib/kube/json_text.h"

namespace directfaas::controller {
namespace {

using kube::Kind;
namespace json = kube::json;

constexpr std::string_view kServiceLabel = "kubernetes.io/service-name";

/// The Service of a slice's text; empty if it has none.
std::string service_name(std::string_view slice) {
    const auto metadata = json::member(slice, "metadata");
    const auto labels = metadata ? json::member(*metadata, "labels") : std::nullopt;
    return labels ? json::text_member(*labels, kServiceLabel) : "";
}

}  // namespace

SliceObject read_slice(const kube::RawObject& raw) {
    SliceObject slice{kube::to_model(Kind::kEndpointSlice, raw), service_name(raw.text), {}};
    const auto endpoints = json::member(raw.text, "endpoints");
    if (endpoints) {
        json::elements(*endpoints, [&](std::string_view endpoint) {
            if (auto node = json::text_member(endpoint, "nodeName"); !node.empty()) {
                slice.nodes.insert(std::move(node));
            }
            return true;
        });
    }
    return slice;
}

PodPlace read_pod_place(const kube::RawObject& raw) {
    PodPlace place;
    const auto metadata = json::member(raw.text, "metadata");
    const auto labels = metadata ? json::member(*metadata, "labels") : std::nullopt;
    if (labels) {
        json::members(*labels, [&](std::string_view name, std::string_view value) {
            place.labels.emplace(name, json::text(value));
            return true;
        });
    }
    const auto status = json::member(raw.text, "status");
    const auto phase = status ? json::text_member(*status, "phase") : "";
    const auto spec = json::member(raw.text, "spec");
    if (spec && phase != "Succeeded" && phase != "Failed") {
        place.node = json::text_member(*spec, "nodeName");
    }
    return place;
}

Cluster::Cluster()
    : model_(model::NodeSettings{}), origins_([this](std::vector<model::OriginContent> contents) {
          auto taken = model_.replace_all(std::move(contents));
          return taken ? std::vector<model::Problem>{} : std::move(taken.error());
      }) {}

void Cluster::put_chain(const kube::ObjectKey& key, std::optional<ChainObject> chain) {
    const auto origin = kube::origin_of(Kind::kFunctionChain, key);
    if (!chain) {
        origins_.remove(origin);
        chains_.erase(key);
        accepted_.erase(key);
        return;
    }
    const auto before = chains_.find(key);
    const auto& now = chain->model;
    // The status, which comes back with every write of it, is nothing to be judged.
    if (before == chains_.end() || before->second.model.generation != now.generation ||
        before->second.model.uid != now.uid) {
        origins_.put(origin, now);
    }
    if (before != chains_.end() && before->second.model.uid != now.uid) {
        accepted_.erase(key);
    }
    chains_.insert_or_assign(key, *std::move(chain));
}

void Cluster::put_service(const kube::ObjectKey& key, std::optional<kube::ModelObject> service) {
    const auto origin = kube::origin_of(Kind::kService, key);
    service ? origins_.put(origin, *std::move(service)) : origins_.remove(origin);
}

void Cluster::put_slice(const kube::ObjectKey& key, std::optional<SliceObject> slice) {
    if (const auto known = service_of_slice_.extract(key); !known.empty()) {
        auto& of_service = slices_[known.mapped()];
        of_service.erase(key.name);
        if (of_service.empty()) {
            slices_.erase(known.mapped());
        }
    }
    const auto origin = kube::origin_of(Kind::kEndpointSlice, key);
    if (!slice) {
        origins_.remove(origin);
        return;
    }
    const kube::ObjectKey service{key.ns, slice->service};
    slices_[service][key.name] = std::move(slice->nodes);
    service_of_slice_[key] = service;
    origins_.put(origin, std::move(slice->model));
}

void Cluster::put_pod(const kube::ObjectKey& key, std::optional<PodPlace> pod) {
    if (pod) {
        pods_[key.ns][key.name] = *std::move(pod);
    } else if (const auto of_namespace = pods_.find(key.ns); of_namespace != pods_.end()) {
        of_namespace->second.erase(key.name);
    }
}

void Cluster::put_node(const std::string& node, std::optional<kube::NodeState> state) {
    if (!state) {
        nodes_.erase(node);
        return;
    }
    Node known;
    for (const auto& chain : state->chains) {
        known.chains[chain.ns + "/" + chain.name] = {chain.uid, chain.generation};
    }
    known.state = *std::move(state);
    nodes_.insert_or_assign(node, std::move(known));
}

const kube::InForce* Cluster::in_force(const kube::ObjectKey& key) const {
    return origins_.in_force(kube::origin_of(Kind::kFunctionChain, key));
}

/// Keeps the text of what is in force, for when the next generation is refused.
void Cluster::note_accepted() {
    for (const auto& [key, chain] : chains_) {
        const auto* standing = in_force(key);
        if (standing == nullptr || standing->uid != chain.model.uid) {
            accepted_.erase(key);
        } else if (standing->generation == chain.model.generation) {
            accepted_[key] = {standing->generation, chain.spec};
        } else if (const auto& told = chain.status.accepted;
                   told && told->generation == standing->generation && !accepted_.contains(key)) {
            accepted_[key] = *told;
        }
    }
}

std::set<std::string> Cluster::nodes_of(const kube::ObjectKey& key,
                                        const model::FunctionChain& chain) const {
    std::set<std::string> nodes;
    for (const auto& function : chain.functions) {
        const auto of_service = slices_.find({key.ns, function.service});
        if (of_service == slices_.end()) {
            continue;
        }
        for (const auto& [slice, places] : of_service->second) {
            nodes.insert(places.begin(), places.end());
        }
    }
    const auto pods = pods_.find(key.ns);
    for (const auto& entry : chain.entries) {
        for (const auto& [name, pod] :
             pods == pods_.end() ? std::map<std::string, PodPlace>{} : pods->second) {
            const bool selected = std::ranges::all_of(entry.selector, [&](const auto& label) {
                const auto found = pod.labels.find(label.first);
                return found != pod.labels.end() && found->second == label.second;
            });
            if (selected && !pod.node.empty()) {
                nodes.insert(pod.node);
            }
        }
    }
    return nodes;
}

}  // namespace directfaas::controller
