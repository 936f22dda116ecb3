// SPDX-License-Identifier: Apache-2.0
#include "test/unit/model/random_world.h"

#include <array>

namespace directfaas::model::test {
namespace {

constexpr int kFunctions = 5;
constexpr int kChains = 2;
constexpr int kPods = 7;
constexpr int kEntries = 2;
constexpr int kPolicies = 2;
constexpr std::array<int, 5> kOfKind{kChains, kFunctions, kFunctions + 2, kPods, kPolicies};
// Contradictions: rare enough for most steps to be accepted, frequent enough to be met.
constexpr double kSlip = 0.03;

std::string name(const char* prefix, int number) { return prefix + std::to_string(number); }

util::IpAddress address(const std::string& text) { return util::IpAddress::parse(text).value(); }

}  // namespace

OriginContent RandomWorld::change() {
    if (chance(0.1)) {  // a file with several things in it, some of which stand elsewhere too
        OriginContent mixed{"mixed", {}};
        for (int i = below(3); i > 0; --i) {
            const int kind = below(static_cast<int>(kOfKind.size()));
            mixed.objects.push_back(object(kind, ns(), below(kOfKind[kind])));
        }
        return mixed;
    }
    const int kind = below(static_cast<int>(kOfKind.size()));
    const int number = below(kOfKind[kind]);
    const std::string where = ns();
    OriginContent content{std::to_string(kind) + where + std::to_string(number), {}};
    if (!chance(0.15)) {
        content.objects.push_back(object(kind, where, number));
    }
    return content;
}

ObjectName RandomWorld::pod_name() { return {ns(), name("p", below(kPods))}; }

std::optional<Link> RandomWorld::link() {
    if (chance(0.3)) {
        return std::nullopt;
    }
    return Link{static_cast<unsigned>(1 + below(5)), chance(0.5)};
}

Object RandomWorld::object(int kind, const std::string& ns, int number) {
    switch (kind) {
        case 0:
            return chain(ns, number);
        case 1:
            return service(ns, number);
        case 2:
            return slice(ns, number);
        case 3:
            return pod(ns, number);
        default:
            return policy(ns, number);
    }
}

ChainFunction RandomWorld::function(const std::string& ns, int number) {
    ChainFunction function;
    function.name = name("f", number);
    function.service = name("f", chance(0.95) ? number : below(kFunctions));
    // Mostly the same each time, as two chains must agree.
    function.ingress = chance(kSlip) ? chance(0.5) : number < 2;
    function.allow_self = number == 3;
    function.scale_from_zero = number % 2 == 0 ? ScaleFromZero::kDisabled : ScaleFromZero::kDirect;
    if (number == 1 || chance(kSlip)) {
        function.ingress_from = {{ns == "a" ? "b" : "a", name("f", 4)}};
        function.ingress_from.insert({ns == "a" ? "b" : "a", name("e", 1)});
    }
    if (number == 2 || chance(kSlip)) {
        function.service_port = "http";
    }
    if (number == 4) {
        function.open_ports = {{22, util::Protocol::kTcp}};
    }
    function.where = where();
    return function;
}

FunctionChain RandomWorld::chain(const std::string& ns, int number) {
    FunctionChain chain;
    chain.name = {ns, name("c", number)};
    chain.enforcement = static_cast<Enforcement>(below(3));
    chain.fast_path = below(4) != 0;
    chain.where = where();
    for (int i = 0; i < kFunctions; ++i) {
        if (chance(0.7)) {
            chain.functions.push_back(function(ns, i));
        }
    }
    for (int from = 0; from < kFunctions; ++from) {
        for (int to = from + 1; to < kFunctions; ++to) {
            const bool listed = [&] {
                int found = 0;
                for (const auto& f : chain.functions) {
                    found += f.name == name("f", from) || f.name == name("f", to);
                }
                return found == 2;
            }();
            if (chance(listed ? 0.4 : 0.02)) {
                const bool reverse = chance(kSlip);
                chain.edges.push_back(
                    {name("f", reverse ? to : from), name("f", reverse ? from : to), where()});
            }
        }
    }
    for (int i = 0; i < kEntries; ++i) {
        if (chance(0.5)) {
            const int selected = chance(kSlip) ? below(kEntries) : i;
            chain.entries.push_back({name("e", i), {{"app", name("e", selected)}}, where()});
        }
    }
    return chain;
}

Service RandomWorld::service(const std::string& ns, int number) {
    Service service;
    service.name = {ns, name("f", number)};
    const int vip = chance(kSlip) ? 99 : number;
    if (!chance(0.1)) {
        service.cluster_ips.push_back(
            address(name(ns == "a" || vip == 99 ? "10.96.0." : "10.96.1.", vip)));
    }
    if (chance(0.3)) {
        service.cluster_ips.push_back(address(name(ns == "a" ? "fd96::a:" : "fd96::b:", vip)));
    }
    if (chance(kSlip)) {
        service.cluster_ips.push_back(pod_address());
    }
    if (!chance(0.1)) {
        service.selector["app"] = name("f", chance(0.9) ? number : below(kFunctions));
        if (chance(0.3)) {
            service.selector["tier"] = name("t", below(2));
        }
    }
    service.ports.push_back({"http", 80, util::Protocol::kTcp});
    if (chance(0.3)) {
        service.ports.push_back({"metrics", 9100, util::Protocol::kTcp});
    }
    if (chance(0.2)) {
        service.ports.push_back({"dns", 80, util::Protocol::kUdp});
    }
    service.node_local = chance(0.2);
    service.affinity = std::chrono::seconds{chance(0.05) ? 10800 : 0};
    if (chance(0.1)) {
        service.proxy = chance(0.5) ? "directfaas" : "other";
    }
    service.where = where();
    return service;
}

EndpointSlice RandomWorld::slice(const std::string& ns, int number) {
    EndpointSlice slice;
    slice.name = {ns, name("x", number)};
    slice.service = name("f", chance(0.8) ? number % kFunctions : below(kFunctions));
    if (!chance(0.1)) {
        slice.ports.push_back(
            {"http", static_cast<std::uint16_t>(8000 + below(2)), util::Protocol::kTcp});
    }
    if (chance(0.3)) {
        slice.ports.push_back({"dns", 53, util::Protocol::kUdp});
    }
    for (int i = below(4); i > 0; --i) {
        slice.endpoints.push_back({pod_address(), chance(0.6), chance(0.6), chance(0.3)});
    }
    slice.where = where();
    return slice;
}

Pod RandomWorld::pod(const std::string& ns, int number) {
    Pod pod;
    pod.name = {ns, name("p", number)};
    pod.labels["app"] = chance(0.8) ? name("f", below(kFunctions)) : name("e", below(kEntries));
    if (chance(0.4)) {
        pod.labels["tier"] = name("t", below(2));
    }
    pod.node = chance(0.4) ? "" : chance(0.6) ? "node-1" : "node-2";
    for (int i = below(3); i > 0; --i) {
        pod.ips.push_back(pod_address());
    }
    if (chance(0.2)) {
        pod.interface_name = name("veth", below(3));
    }
    pod.where = where();
    return pod;
}

NetworkPolicy RandomWorld::policy(const std::string& ns, int number) {
    using Operator = LabelRequirement::Operator;
    NetworkPolicy policy{{ns, name("n", number)}, {}, {}, where()};
    if (chance(0.7)) {
        policy.match_labels["app"] = name("f", below(kFunctions));
    }
    if (chance(0.4)) {
        policy.match_expressions.push_back(
            {"tier", static_cast<Operator>(below(4)), {name("t", below(2))}});
    }
    return policy;
}

util::IpAddress RandomWorld::pod_address() {
    return address(name(chance(0.7) ? "10.244.0." : "fd44::", 1 + below(24)));
}

}  // namespace directfaas::model::test
