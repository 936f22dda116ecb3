// SPDX-License-Identifier: Apache-2.0
#include "test/unit/model/oracle.h"

#include <algorithm>
#include <set>

namespace directfaas::model::test {
namespace {

struct Oracle {
    std::vector<FunctionChain> chains;
    std::vector<Service> services;
    std::vector<EndpointSlice> slices;
    std::vector<Pod> pods;
    std::vector<NetworkPolicy> policies;
    std::map<ObjectName, Link> links;
    std::string node;

    std::map<Identity, ChainFunction> functions;
    std::map<Identity, ChainEntry> entries;
    RuleSet rules;

    const Service* service_of(const Identity& identity) const {
        for (const auto& service : services) {
            if (service.name == ObjectName{identity.name.ns, functions.at(identity).service}) {
                return &service;
            }
        }
        return nullptr;
    }

    std::vector<EndpointSlice> slices_of(const Identity& identity) const {
        std::vector<EndpointSlice> found;
        for (const auto& slice : slices) {
            if (slice.name.ns == identity.name.ns &&
                slice.service == functions.at(identity).service) {
                found.push_back(slice);
            }
        }
        return found;
    }

    static bool matches(const Labels& selector, const Pod& pod) {
        for (const auto& [key, value] : selector) {
            if (!pod.labels.contains(key) || pod.labels.at(key) != value) {
                return false;
            }
        }
        return !selector.empty();
    }

    bool selected(const Pod& pod) const {
        for (const auto& policy : policies) {
            if (policy.name.ns == pod.name.ns && policy.selects(pod.labels)) {
                return true;
            }
        }
        return false;
    }

    std::set<Identity> owners(const Pod& pod) const {
        std::set<Identity> found;
        for (const auto& [identity, declared] : functions) {
            const auto* service = service_of(identity);
            if (service && service->name.ns == pod.name.ns && matches(service->selector, pod)) {
                found.insert(identity);
            }
        }
        for (const auto& [identity, declared] : entries) {
            if (identity.name.ns == pod.name.ns && matches(declared.selector, pod)) {
                found.insert(identity);
            }
        }
        return found;
    }

    void add_identities() {
        const auto strictest = [&](const Identity& identity, const FunctionChain& chain) {
            const auto [it, fresh] = rules.identities.try_emplace(identity);
            it->second.enforcement =
                fresh ? chain.enforcement : std::max(it->second.enforcement, chain.enforcement);
            it->second.fast_path = it->second.fast_path && chain.fast_path;
        };
        for (const auto& chain : chains) {
            for (const auto& declared : chain.functions) {
                const Identity identity{IdentityKind::kFunction, {chain.name.ns, declared.name}};
                functions[identity] = declared;
                strictest(identity, chain);
            }
            for (const auto& declared : chain.entries) {
                const Identity identity{IdentityKind::kEntry, {chain.name.ns, declared.name}};
                entries[identity] = declared;
                strictest(identity, chain);
            }
        }
    }

    void add_allowed() {
        for (const auto& chain : chains) {
            for (const auto& edge : chain.edges) {
                rules.allowed.insert(AllowKey{{IdentityKind::kFunction, {chain.name.ns, edge.from}},
                                              {IdentityKind::kFunction, {chain.name.ns, edge.to}}});
            }
        }
        for (const auto& [to, declared] : functions) {
            if (declared.allow_self) {
                rules.allowed.insert(AllowKey{to, to});
            }
            if (declared.ingress) {
                rules.allowed.insert(AllowKey{Identity{}, to});
            }
            for (const auto& [from, gateway] : entries) {
                if (declared.ingress && from.name.ns == to.name.ns) {
                    rules.allowed.insert(AllowKey{from, to});
                }
                if (declared.ingress_from.contains(from.name)) {
                    rules.allowed.insert(AllowKey{from, to});
                }
            }
            for (const auto& [from, caller] : functions) {
                if (declared.ingress_from.contains(from.name)) {
                    rules.allowed.insert(AllowKey{from, to});
                }
            }
        }
    }

    void add_pods() {
        for (const auto& pod : pods) {
            const auto owning = owners(pod);
            if (owning.empty()) {
                continue;
            }
            for (const auto& address : pod.ips) {
                const auto [it, fresh] = rules.addresses.try_emplace(address, *owning.begin());
                it->second = std::min(it->second, *owning.begin());
            }
            const bool local = pod.node.empty() || pod.node == node;
            if (local && links.contains(pod.name) && !pod.ips.empty()) {
                const std::set<util::IpAddress> sorted(pod.ips.begin(), pod.ips.end());
                rules.attachments[pod.name] = {*owning.begin(),
                                               links.at(pod.name).ifindex,
                                               {sorted.begin(), sorted.end()},
                                               links.at(pod.name).adopted,
                                               !selected(pod)};
            }
        }
        std::map<util::IpAddress, Identity> by_slices;
        for (const auto& [identity, declared] : functions) {
            for (const auto& slice : slices_of(identity)) {
                for (const auto& endpoint : slice.endpoints) {
                    by_slices.try_emplace(endpoint.address, identity);
                }
            }
        }
        rules.addresses.insert(by_slices.begin(), by_slices.end());
    }

    unsigned ifindex_of(const util::IpAddress& address) const {
        for (const auto& [pod, rule] : rules.attachments) {
            if (std::ranges::count(rule.addresses, address) != 0) {
                return rule.ifindex;
            }
        }
        return 0;
    }

    bool on_node(const util::IpAddress& address) const {
        return std::ranges::any_of(pods, [&](const Pod& pod) {
            return (pod.node.empty() || pod.node == node) &&
                   std::ranges::count(pod.ips, address) != 0;
        });
    }

    static std::vector<ServicePort> ports_of(const Service& service, const ChainFunction& f) {
        std::vector<ServicePort> ports;
        for (const auto& port : service.ports) {
            if (!f.service_port || *f.service_port == port.name) {
                ports.push_back(port);
            }
        }
        return ports;
    }

    void add_served() {
        for (const auto& [identity, declared] : functions) {
            auto& rule = rules.identities.at(identity);
            rule.ingress = declared.ingress;
            rule.open = declared.open_ports;
            const auto* service = service_of(identity);
            for (const auto& slice : slices_of(identity)) {
                for (const auto& target : slice.ports) {
                    bool serves = !service &&
                                  (!declared.service_port || *declared.service_port == target.name);
                    for (const auto& port :
                         service ? ports_of(*service, declared) : std::vector<ServicePort>{}) {
                        serves |= port.name == target.name && port.protocol == target.protocol;
                    }
                    if (serves) {
                        rule.served.insert({target.port, target.protocol});
                    }
                }
            }
            if (rule.served.empty() && service) {
                for (const auto& port : ports_of(*service, declared)) {
                    rule.served.insert({port.port, port.protocol});
                }
            }
        }
    }

    void add_routes() {
        for (const auto& [identity, declared] : functions) {
            const auto* service = service_of(identity);
            if (!service || service->selector.empty() ||
                (!service->proxy.empty() && service->proxy != "directfaas")) {
                continue;
            }
            for (const auto& port : ports_of(*service, declared)) {
                for (const auto& vip : service->cluster_ips) {
                    RouteRule route;
                    route.function = identity;
                    route.affinity = service->affinity;
                    route.when_empty = declared.scale_from_zero == ScaleFromZero::kDisabled
                                           ? WhenEmpty::kRefuse
                                           : WhenEmpty::kHold;
                    route.endpoints = endpoints(identity, port, vip.is_v4(), route.when_empty);
                    rules.routes[{vip, port.port, port.protocol}] = route;
                }
            }
        }
    }

    std::vector<RouteEndpoint> endpoints(const Identity& identity, const ServicePort& port, bool v4,
                                         WhenEmpty& when_empty) const {
        const bool node_local = service_of(identity)->node_local;
        bool any = false;
        std::set<RouteEndpoint> all;
        std::set<std::pair<util::IpAddress, std::uint16_t>> ready;
        std::set<std::pair<util::IpAddress, std::uint16_t>> serving;
        for (const auto& slice : slices_of(identity)) {
            for (const auto& target : slice.ports) {
                for (const auto& endpoint : slice.endpoints) {
                    if (target.name != port.name || target.protocol != port.protocol ||
                        endpoint.address.is_v4() != v4) {
                        continue;
                    }
                    any = true;
                    if (node_local && !on_node(endpoint.address)) {
                        continue;
                    }
                    all.insert({endpoint.address, target.port, EndpointState::kDraining,
                                ifindex_of(endpoint.address)});
                    if (endpoint.ready && !endpoint.terminating) {
                        ready.insert({endpoint.address, target.port});
                    } else if (endpoint.serving && endpoint.terminating) {
                        serving.insert({endpoint.address, target.port});
                    }
                }
            }
        }
        if (node_local && any) {
            when_empty = WhenEmpty::kRefuse;
        }
        if (ready.empty() && when_empty == WhenEmpty::kRefuse) {
            ready = serving;
        }
        std::vector<RouteEndpoint> out(all.begin(), all.end());
        for (auto& endpoint : out) {
            if (ready.contains({endpoint.address, endpoint.port})) {
                endpoint.state = EndpointState::kReady;
            }
        }
        return out;
    }
};

}  // namespace

RuleSet expected_rules(const std::vector<Object>& objects, const std::map<ObjectName, Link>& links,
                       const std::string& node) {
    Oracle oracle;
    oracle.links = links;
    oracle.node = node;
    for (const auto& object : objects) {
        if (const auto* chain = std::get_if<FunctionChain>(&object)) {
            oracle.chains.push_back(*chain);
        } else if (const auto* service = std::get_if<Service>(&object)) {
            oracle.services.push_back(*service);
        } else if (const auto* slice = std::get_if<EndpointSlice>(&object)) {
            oracle.slices.push_back(*slice);
        } else if (const auto* policy = std::get_if<NetworkPolicy>(&object)) {
            oracle.policies.push_back(*policy);
        } else {
            oracle.pods.push_back(std::get<Pod>(object));
        }
    }
    oracle.add_identities();
    oracle.add_allowed();
    oracle.add_pods();
    oracle.add_served();
    oracle.add_routes();
    return oracle.rules;
}

}  // namespace directfaas::model::test
