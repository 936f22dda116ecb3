// SPDX-License-Identifier: Apache-2.0
#include "lib/model/function_rules.h"

#include <algorithm>
#include <string>
#include <tuple>

namespace directfaas::model {
namespace {

/// What may be done with an instance, best first.
enum class Fitness : std::uint8_t { kReady, kLastResort, kDraining };

Fitness fitness(const SliceEndpoint& endpoint) {
    if (endpoint.ready && !endpoint.terminating) {
        return Fitness::kReady;
    }
    return endpoint.serving && endpoint.terminating ? Fitness::kLastResort : Fitness::kDraining;
}

bool is_chosen(const ServicePort& port, const ChainFunction& function) {
    const auto& wanted = function.service_port;
    return !wanted || port.name == *wanted || std::to_string(port.port) == *wanted;
}

/// A slice's port that belongs to `port` of the Service.
bool is_target_of(const ServicePort& target, const ServicePort& port) {
    return target.name == port.name && target.protocol == port.protocol && target.port != 0;
}

class Generation {
   public:
    Generation(const FunctionInput& input, const WhereIs& where_is)
        : input_(input), where_is_(where_is) {}

    FunctionRules run() {
        choose_ports();
        find_flaws();
        out_.identity = {input_.enforcement, input_.declared.ingress, served(),
                         input_.declared.open_ports, input_.fast_path};
        collect_addresses();
        if (!out_.flaws.no_route()) {
            make_routes();
        }
        return std::move(out_);
    }

   private:
    void choose_ports() {
        if (input_.service == nullptr) {
            return;
        }
        for (const auto& port : input_.service->ports) {
            if (is_chosen(port, input_.declared)) {
                ports_.push_back(&port);
            }
        }
    }

    void find_flaws() {
        const auto* service = input_.service;
        auto& flaws = out_.flaws;
        flaws.no_service = service == nullptr;
        flaws.headless = service != nullptr && service->cluster_ips.empty();
        flaws.no_selector = service != nullptr && service->selector.empty();
        flaws.other_proxy =
            service != nullptr && !service->proxy.empty() && service->proxy != kOwnProxyName;
        flaws.no_such_port = service != nullptr && ports_.empty();
        const auto misses_all = [&](const EndpointSlice* slice) {
            return !slice->endpoints.empty() &&
                   std::ranges::none_of(slice->ports, [&](const auto& p) { return serves(p); });
        };
        flaws.no_slice_port = !ports_.empty() && std::ranges::any_of(input_.slices, misses_all);
    }

    /// Whether a slice's port is one of the function's. Without its Service, names cannot be
    /// compared: better to put too many ports under the edges than too few.
    [[nodiscard]] bool serves(const ServicePort& target) const {
        if (input_.service == nullptr) {
            const auto& wanted = input_.declared.service_port;
            return target.port != 0 && (!wanted || *wanted == target.name);
        }
        return std::ranges::any_of(
            ports_, [&](const ServicePort* port) { return is_target_of(target, *port); });
    }

    [[nodiscard]] std::set<PortProtocol> served() const {
        std::set<PortProtocol> ports;
        for (const auto* slice : input_.slices) {
            for (const auto& target : slice->ports) {
                if (serves(target)) {
                    ports.insert({target.port, target.protocol});
                }
            }
        }
        if (ports.empty()) {  // no instance yet: most Services map a port to itself
            for (const auto* port : ports_) {
                ports.insert({port->port, port->protocol});
            }
        }
        return ports;
    }

    void collect_addresses() {
        auto& addresses = out_.addresses;
        for (const auto* slice : input_.slices) {
            for (const auto& endpoint : slice->endpoints) {
                addresses.push_back(endpoint.address);
            }
        }
        std::ranges::sort(addresses);
        const auto rest = std::ranges::unique(addresses);
        addresses.erase(rest.begin(), rest.end());
        addresses.shrink_to_fit();
    }

    void make_routes() {
        const WhenEmpty when_empty = input_.declared.scale_from_zero == ScaleFromZero::kDisabled
                                         ? WhenEmpty::kRefuse
                                         : WhenEmpty::kHold;
        for (const auto* port : ports_) {
            for (const auto& vip : input_.service->cluster_ips) {
                WhenEmpty empty = when_empty;
                auto found = endpoints(*port, vip.is_v4(), empty);
                out_.routes.push_back(
                    {{vip, port->port, port->protocol},
                     {input_.identity, std::move(found), empty, input_.service->affinity}});
            }
        }
        const auto key = [](const auto& route) -> const RouteKey& { return route.first; };
        std::ranges::stable_sort(out_.routes, {}, key);
        const auto rest = std::ranges::unique(out_.routes, {}, key);
        out_.routes.erase(rest.begin(), rest.end());
    }

    [[nodiscard]] std::vector<RouteEndpoint> endpoints(const ServicePort& port, bool v4,
                                                       WhenEmpty& when_empty) const {
        using Candidate = std::tuple<util::IpAddress, std::uint16_t, Fitness>;
        std::vector<Candidate> found;
        for (const auto* slice : input_.slices) {
            const auto target = std::ranges::find_if(
                slice->ports, [&](const auto& t) { return is_target_of(t, port); });
            if (target == slice->ports.end()) {
                continue;
            }
            for (const auto& endpoint : slice->endpoints) {
                if (endpoint.address.is_v4() == v4) {
                    found.emplace_back(endpoint.address, target->port, fitness(endpoint));
                }
            }
        }
        // An instance may stand in two slices for a while: its best state, sorted first, counts.
        std::ranges::sort(found);
        const auto rest = std::ranges::unique(
            found, {}, [](const Candidate& c) { return std::tie(std::get<0>(c), std::get<1>(c)); });
        found.erase(rest.begin(), rest.end());
        if (input_.service->node_local && !found.empty()) {
            // Calls never leave the node: those that find nobody here are refused, for an instance
            // that is started might be started anywhere.
            std::erase_if(found,
                          [&](const Candidate& c) { return !where_is_(std::get<0>(c)).on_node; });
            when_empty = WhenEmpty::kRefuse;
        }
        return with_states(found, when_empty);
    }

    template <typename Candidates>
    [[nodiscard]] std::vector<RouteEndpoint> with_states(const Candidates& found,
                                                         WhenEmpty when_empty) const {
        const bool none_ready = std::ranges::none_of(
            found, [](const auto& c) { return std::get<2>(c) == Fitness::kReady; });
        // With nobody else, those that shut down but still answer are better than a refusal.
        const bool last_resort = none_ready && when_empty == WhenEmpty::kRefuse;
        std::vector<RouteEndpoint> endpoints;
        endpoints.reserve(found.size());
        for (const auto& [address, port, fit] : found) {
            const bool ready =
                fit == Fitness::kReady || (last_resort && fit == Fitness::kLastResort);
            endpoints.push_back({address, port,
                                 ready ? EndpointState::kReady : EndpointState::kDraining,
                                 where_is_(address).ifindex});
        }
        return endpoints;
    }

    const FunctionInput& input_;
    const WhereIs& where_is_;
    std::vector<const ServicePort*> ports_;  // of the Service, that are the function's
    FunctionRules out_;
};

}  // namespace

FunctionRules generate_function(const FunctionInput& input, const WhereIs& where_is) {
    return Generation(input, where_is).run();
}

}  // namespace directfaas::model
