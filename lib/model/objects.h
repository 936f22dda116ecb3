// SPDX-License-Identifier: Apache-2.0
// What users and Kubernetes declare, as plain values: chains, services, endpoint slices, pods,
// network policies.
// Field meanings are those of the Kubernetes API and of docs/functionchain.md.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "lib/util/address.h"

namespace directfaas::model {

/// Namespace and name of an object; also the identity of a function.
struct ObjectName {
    std::string ns;
    std::string name;

    [[nodiscard]] std::string text() const { return ns + "/" + name; }
    auto operator<=>(const ObjectName&) const = default;
};

/// Where a statement was read: a file and its line (1-based), or an apiserver object and line 0.
struct SourceLine {
    std::string file;
    int line = 0;

    [[nodiscard]] std::string text() const;
    auto operator<=>(const SourceLine&) const = default;
};

using Labels = std::map<std::string, std::string>;

struct PortProtocol {
    std::uint16_t port = 0;  // host order
    util::Protocol protocol = util::Protocol::kTcp;

    auto operator<=>(const PortProtocol&) const = default;
};

struct ServicePort {
    std::string name;
    std::uint16_t port = 0;
    util::Protocol protocol = util::Protocol::kTcp;

    auto operator<=>(const ServicePort&) const = default;
};

/// The value of label service.kubernetes.io/service-proxy-name that means this project.
inline constexpr const char* kOwnProxyName = "directfaas";

struct Service {
    ObjectName name;
    std::vector<util::IpAddress> cluster_ips;  // empty: headless
    Labels selector;
    std::vector<ServicePort> ports;
    std::string proxy{};               // label service-proxy-name: who serves it, not kube-proxy
    std::chrono::seconds affinity{0};  // sessionAffinity: ClientIP, for how long; 0: None
    bool node_local = false;           // internalTrafficPolicy: Local
    SourceLine where;

    bool operator==(const Service&) const = default;
};

/// Conditions as decoded: `ready` absent counts as true, the others as false (Kubernetes API).
struct SliceEndpoint {
    util::IpAddress address;
    bool ready = true;
    bool serving = true;
    bool terminating = false;

    auto operator<=>(const SliceEndpoint&) const = default;
};

struct EndpointSlice {
    ObjectName name;
    std::string service;             // label kubernetes.io/service-name
    std::vector<ServicePort> ports;  // port = port of the instance; matched to the Service by name
    std::vector<SliceEndpoint> endpoints;
    SourceLine where;

    bool operator==(const EndpointSlice&) const = default;
};

struct Pod {
    ObjectName name;
    Labels labels;
    std::string node;                  // spec.nodeName; empty: this node
    std::vector<util::IpAddress> ips;  // status.podIPs
    std::string interface_name;        // annotation directfaas.io/host-interface; empty: by route
    SourceLine where;

    bool operator==(const Pod&) const = default;
};

/// One of a selector's matchExpressions; `values` is empty for kExists and kDoesNotExist.
struct LabelRequirement {
    enum class Operator : std::uint8_t { kIn, kNotIn, kExists, kDoesNotExist };
    std::string key;
    Operator op = Operator::kExists;
    std::set<std::string> values;

    bool operator==(const LabelRequirement&) const = default;
};

/// Which pods of its namespace a policy is about. What it says of them is enforced by the CNI.
struct NetworkPolicy {
    ObjectName name;
    Labels match_labels;
    std::vector<LabelRequirement> match_expressions;
    SourceLine where;

    /// All of `match_labels` and `match_expressions` hold; an empty selector is every pod.
    [[nodiscard]] bool selects(const Labels& labels) const;
    bool operator==(const NetworkPolicy&) const = default;
};

/// Strength of enforcement, weakest first: where chains overlap the greater one wins.
enum class Enforcement : std::uint8_t { kDisabled, kAudit, kEnforce };
enum class ScaleFromZero : std::uint8_t { kDisabled, kMetrics, kDirect };

struct ChainFunction {
    std::string name;                         // of the function; callers and counters use it
    std::string service;                      // serviceRef.name, by default the function's name
    std::optional<std::string> service_port;  // serviceRef.port: only this Service port is a vIP
    bool ingress = false;                     // exposure.type Ingress
    std::set<ObjectName> ingress_from;        // exposure.from: functions of other namespaces
    bool allow_self = false;
    std::set<PortProtocol> open_ports;
    ScaleFromZero scale_from_zero = ScaleFromZero::kDisabled;
    SourceLine where;

    bool operator==(const ChainFunction&) const = default;
};

struct ChainEdge {
    std::string from;
    std::string to;
    SourceLine where;

    bool operator==(const ChainEdge&) const = default;
};

struct ChainEntry {
    std::string name;
    Labels selector;  // matchLabels of pods in the chain's namespace
    SourceLine where;

    bool operator==(const ChainEntry&) const = default;
};

struct FunctionChain {
    ObjectName name;
    std::vector<ChainFunction> functions;
    std::vector<ChainEdge> edges;
    std::vector<ChainEntry> entries;
    Enforcement enforcement = Enforcement::kEnforce;
    bool fast_path = true;  // false: fastPath "off"
    SourceLine where;

    bool operator==(const FunctionChain&) const = default;
};

using Object = std::variant<FunctionChain, Service, EndpointSlice, Pod, NetworkPolicy>;

/// Something a user has to mend. Errors keep the last good state in force, warnings do not.
struct Problem {
    enum class Severity : std::uint8_t { kWarning, kError };
    Severity severity = Severity::kError;
    SourceLine where;
    std::string object;   // "FunctionChain shop/bookinfo", or empty if there is none yet
    std::string message;  // what is wrong
    std::string advice;   // what to do

    /// "file:line: error: FunctionChain shop/bookinfo: message. advice"
    [[nodiscard]] std::string text() const;
    bool operator==(const Problem&) const = default;
};

}  // namespace directfaas::model
