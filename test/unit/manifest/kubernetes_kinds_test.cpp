// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "test/unit/manifest/decoding.h"

namespace directfaas::manifest {
namespace {

using model::EndpointSlice;
using model::Pod;
using model::Service;
using testing::ElementsAre;
using testing::IsEmpty;
using util::IpAddress;
using util::Protocol;

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

std::string service(std::string_view spec) {
    return fmt::format("apiVersion: v1\nkind: Service\nmetadata: {{name: s}}\nspec:\n{}\n", spec);
}

std::string slice(std::string_view rest) {
    return fmt::format(
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: s-1\n"
        "  labels: {{kubernetes.io/service-name: s}}\n{}\n",
        rest);
}

std::string pod(std::string_view rest) {
    return fmt::format("apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n{}\n", rest);
}

TEST(Service, AsKubernetesWritesIt) {
    const auto object = only<Service>(R"(apiVersion: v1
kind: Service
metadata:
  name: reviews
  namespace: shop
  uid: 0a
spec:
  type: ClusterIP
  clusterIP: 10.96.0.2
  clusterIPs: [10.96.0.2, "fd00::2"]
  ipFamilies: [IPv4, IPv6]
  selector: {app: reviews}
  ports:
  - {name: http, port: 9080, targetPort: 80, protocol: TCP, appProtocol: http}
  - {name: dns, port: 53, protocol: UDP}
  sessionAffinity: None
status: {loadBalancer: {}}
)");
    EXPECT_EQ(object,
              (Service{.name = {"shop", "reviews"},
                       .cluster_ips = {ip("10.96.0.2"), ip("fd00::2")},
                       .selector = {{"app", "reviews"}},
                       .ports = {{"http", 9080, Protocol::kTcp}, {"dns", 53, Protocol::kUdp}},
                       .where = {"f.yaml", 1}}));
}

TEST(Service, SingleAddressAndUnnamedPort) {
    const auto object = only<Service>(service("  clusterIP: fd00::1\n  ports: [{port: 80}]"));
    EXPECT_THAT(object.cluster_ips, ElementsAre(ip("fd00::1")));
    EXPECT_THAT(object.ports, ElementsAre(model::ServicePort{"", 80, Protocol::kTcp}));
}

TEST(Service, WhatKubeProxyWouldDoDifferently) {
    const auto object = only<Service>(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: s\n  labels: "
        "{service.kubernetes.io/service-proxy-name: directfaas}\nspec:\n  clusterIP: 10.0.0.1\n"
        "  sessionAffinity: ClientIP\n  internalTrafficPolicy: Local\n  ports: [{port: 80}]\n");
    EXPECT_EQ(object.proxy, "directfaas");
    EXPECT_EQ(object.affinity, std::chrono::seconds{10800});
    EXPECT_TRUE(object.node_local);
    const auto usual = only<Service>(
        service("  clusterIP: 10.0.0.1\n  sessionAffinity: None\n  internalTrafficPolicy: Cluster\n"
                "  ports: [{port: 80}]"));
    EXPECT_FALSE(usual.affinity.count() != 0 || usual.node_local);
}

TEST(Service, AffinityLastsAsLongAsItSays) {
    const auto sticky = [](const std::string& timeout) {
        return service(
            "  clusterIP: 10.0.0.1\n  sessionAffinity: ClientIP\n  sessionAffinityConfig: "
            "{clientIP: {timeoutSeconds: " +
            timeout + "}}\n  ports: [{port: 80}]\n");
    };
    EXPECT_EQ(only<Service>(sticky("60")).affinity, std::chrono::seconds{60});
    EXPECT_EQ(only<Service>(sticky("86400")).affinity, std::chrono::seconds{86400});
    for (const char* wrong : {"0", "86401", "-1", "soon", "4294967297"}) {
        EXPECT_THAT(problems_of(sticky(wrong)),
                    ElementsAre(testing::HasSubstr("a number of seconds from 1 to 86400")))
            << wrong;
    }
}

TEST(Service, Headless) {
    EXPECT_THAT(only<Service>(service("  clusterIP: None")).cluster_ips, IsEmpty());
    EXPECT_THAT(only<Service>(service("  clusterIP: None\n  clusterIPs: [None]")).cluster_ips,
                IsEmpty());
    EXPECT_THAT(only<Service>(service("  type: ExternalName")).cluster_ips, IsEmpty());
}

struct Case {
    std::string name;
    std::string text;
    std::vector<std::string> problems;
};

void PrintTo(const Case& tested, std::ostream* out) { *out << tested.name; }

class KindMistake : public testing::TestWithParam<Case> {};

TEST_P(KindMistake, IsNamed) { EXPECT_EQ(problems_of(GetParam().text), GetParam().problems); }

const Case kServices[] = {
    {"NoAddress",
     service("  ports: [{port: 80}]"),
     {"f.yaml:4: warning: Service default/s: spec.clusterIP is missing, so the Service has no vIP. "
      "Write the address: in a directory nobody assigns one"}},
    {"BadAddress",
     service("  clusterIP: 10.96.0.256\n  ports: [{port: 80}]"),
     {"f.yaml:5: error: Service default/s: spec.clusterIP is \"10.96.0.256\", which is not an IP "
      "address that a packet can go to. Write an IPv4 or IPv6 address without port, zone or prefix "
      "length"}},
    {"Unspecified",
     service("  clusterIPs: [\"::\"]\n  ports: [{port: 80}]"),
     {"f.yaml:5: error: Service default/s: spec.clusterIPs[0] is \"::\", which is not an IP "
      "address "
      "that a packet can go to. Write an IPv4 or IPv6 address without port, zone or prefix "
      "length"}},
    {"AddressesDiffer",
     service("  clusterIP: 10.0.0.1\n  clusterIPs: [10.0.0.2]\n  ports: [{port: 80}]"),
     {"f.yaml:5: error: Service default/s: spec.clusterIP is not the first of spec.clusterIPs. "
      "Make "
      "them equal, or remove spec.clusterIP"}},
    {"SameFamily",
     service("  clusterIPs: [10.0.0.1, 10.0.0.2]\n  ports: [{port: 80}]"),
     {"f.yaml:5: error: Service default/s: spec.clusterIPs[1] is a second address of one family. A "
      "Service has at most one IPv4 and one IPv6 address"}},
    {"NoPorts",
     service("  clusterIP: 10.0.0.1"),
     {"f.yaml:4: error: Service default/s: spec.ports is missing. List the ports that callers "
      "use"}},
    {"PortMissing",
     service("  clusterIP: 10.0.0.1\n  ports:\n  - name: http"),
     {"f.yaml:7: error: Service default/s: spec.ports[0].port is missing. Add the port number"}},
    {"PortName",
     service("  clusterIP: 10.0.0.1\n  ports:\n  - {port: 80, name: a}\n  - port: 81"),
     {"f.yaml:8: error: Service default/s: port 81 has no name. Name the ports: a Service with "
      "several ports needs it"}},
    {"PortNameTwice",
     service("  clusterIP: 10.0.0.1\n  ports:\n  - {port: 80, name: a}\n  - {port: 81, name: a}"),
     {"f.yaml:8: error: Service default/s: port name a is here a second time. Give each port its "
      "own name"}},
    {"PortTwice",
     service("  clusterIP: 10.0.0.1\n  ports:\n  - {port: 80, name: a}\n  - {port: 80, name: b}"),
     {"f.yaml:8: error: Service default/s: port 80/TCP is here a second time. Remove one"}},
    {"Sctp",
     service("  clusterIP: 10.0.0.1\n  ports:\n  - {port: 80, protocol: SCTP}"),
     {"f.yaml:7: warning: Service default/s: spec.ports[0] is an SCTP port and is ignored. "
      "DirectFaaS carries TCP and UDP"}},
    {"Protocol",
     service("  clusterIP: 10.0.0.1\n  ports:\n  - {port: 80, protocol: tcp}"),
     {"f.yaml:7: error: Service default/s: spec.ports[0].protocol is \"tcp\", allowed: TCP, UDP. "
      "Write one of these"}},
    {"NoSpec",
     "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n",
     {"f.yaml:1: error: Service default/s: spec is missing. Add \"spec:\" with clusterIP, ports "
      "and "
      "selector"}},
};

TEST(EndpointSlice, AsKubernetesWritesIt) {
    const auto object = only<EndpointSlice>(slice(R"(addressType: IPv4
ports:
- {name: http, port: 80, protocol: TCP}
- {name: "", port: 81}
endpoints:
- addresses: [10.0.0.1, 10.0.0.9]
  conditions: {ready: true, serving: true, terminating: false}
  nodeName: a
  targetRef: {kind: Pod, name: p}
- addresses: [10.0.0.2]
  conditions: {ready: false, serving: true, terminating: true}
- addresses: [10.0.0.3]
- addresses: [10.0.0.4]
  conditions: {ready: false}
- addresses: [10.0.0.5]
  conditions: {ready: null, terminating: null})"));
    EXPECT_EQ(object.name, (model::ObjectName{"default", "s-1"}));
    EXPECT_EQ(object.service, "s");
    EXPECT_THAT(object.ports, ElementsAre(model::ServicePort{"http", 80, Protocol::kTcp},
                                          model::ServicePort{"", 81, Protocol::kTcp}));
    EXPECT_THAT(object.endpoints,
                ElementsAre(model::SliceEndpoint{ip("10.0.0.1"), true, true, false},
                            model::SliceEndpoint{ip("10.0.0.2"), false, true, true},
                            model::SliceEndpoint{ip("10.0.0.3"), true, true, false},
                            model::SliceEndpoint{ip("10.0.0.4"), false, false, false},
                            model::SliceEndpoint{ip("10.0.0.5"), true, true, false}));
}

TEST(EndpointSlice, WithoutEndpoints) {
    EXPECT_THAT(only<EndpointSlice>(slice("addressType: IPv6\nendpoints: []\nports: []")).endpoints,
                IsEmpty());
    EXPECT_THAT(only<EndpointSlice>(slice("addressType: IPv6\nendpoints:\nports:")).endpoints,
                IsEmpty());
}

const Case kSlices[] = {
    {"NoType",
     slice("endpoints: []"),
     {"f.yaml:1: error: EndpointSlice default/s-1: addressType is missing. Write IPv4 or IPv6"}},
    {"WrongType",
     slice("addressType: ipv4"),
     {"f.yaml:6: error: EndpointSlice default/s-1: addressType is \"ipv4\", allowed: IPv4, IPv6, "
      "FQDN. Did you mean IPv4?"}},
    {"Names",
     slice("addressType: FQDN"),
     {"f.yaml:6: warning: EndpointSlice default/s-1: addressType is FQDN; the EndpointSlice is "
      "ignored. DirectFaaS needs addresses: use IPv4 or IPv6"}},
    {"NoService",
     "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s-1}\n"
     "addressType: IPv4\n",
     {"f.yaml:1: warning: EndpointSlice default/s-1: label kubernetes.io/service-name is missing; "
      "the EndpointSlice is ignored. Label it with the name of its Service"}},
    {"OtherFamily",
     slice("addressType: IPv4\nendpoints:\n- addresses: [\"fd00::1\"]"),
     {"f.yaml:8: error: EndpointSlice default/s-1: endpoints[0].addresses[0] is fd00::1, which is "
      "not IPv4. Put each address family into an EndpointSlice of its own"}},
    {"NoAddresses",
     slice("addressType: IPv4\nendpoints:\n- conditions: {ready: true}"),
     {"f.yaml:8: error: EndpointSlice default/s-1: endpoints[0].addresses is missing. List the "
      "address of the instance"}},
    {"Condition",
     slice("addressType: IPv4\nendpoints:\n- addresses: [10.0.0.1]\n  conditions: {ready: 1}"),
     {"f.yaml:9: error: EndpointSlice default/s-1: endpoints[0].conditions.ready must be true or "
      "false, found the number 1. Write true or false"}},
    {"PortWithoutNumber",
     slice("addressType: IPv4\nports:\n- name: http"),
     {"f.yaml:8: warning: EndpointSlice default/s-1: ports[0].port is missing; the entry is "
      "ignored. Write the port that the instances listen on"}},
    {"EndpointText",
     slice("addressType: IPv4\nendpoints:\n- 10.0.0.1"),
     {"f.yaml:8: error: EndpointSlice default/s-1: endpoints[0] must be a map, found the text "
      "\"10.0.0.1\". Write \"key: value\" lines below it"}},
};

TEST(Pod, AsKubernetesWritesIt) {
    const auto object = only<Pod>(R"(apiVersion: v1
kind: Pod
metadata:
  name: reviews-0
  namespace: shop
  labels: {app: reviews, empty: ""}
  annotations:
    directfaas.io/host-interface: veth0
    other: "x y"
spec:
  nodeName: node-a
  containers: [{name: web, image: x}]
status:
  phase: Running
  podIP: 10.0.0.1
  podIPs:
  - ip: 10.0.0.1
  - ip: fd00::1
)");
    EXPECT_EQ(object, (Pod{.name = {"shop", "reviews-0"},
                           .labels = {{"app", "reviews"}, {"empty", ""}},
                           .node = "node-a",
                           .ips = {ip("10.0.0.1"), ip("fd00::1")},
                           .interface_name = "veth0",
                           .where = {"f.yaml", 1}}));
}

TEST(Pod, SingleAddressOrNone) {
    EXPECT_THAT(only<Pod>(pod("status: {podIP: 10.0.0.1}")).ips, ElementsAre(ip("10.0.0.1")));
    EXPECT_THAT(only<Pod>(pod("")).ips, IsEmpty());
}

TEST(Pod, EndedPodsHaveNoAddressesOfTheirOwn) {
    for (const std::string_view phase : {"Succeeded", "Failed"}) {
        EXPECT_THAT(objects_of(pod(fmt::format("status: {{phase: {}, podIP: 10.0.0.1}}", phase))),
                    IsEmpty());
    }
}

const Case kPods[] = {
    {"HostNetwork",
     pod("spec:\n  hostNetwork: true"),
     {"f.yaml:6: warning: Pod default/p: the pod uses the network of its node and is ignored. A "
      "function or entry needs a network namespace of its own"}},
    {"Interface",
     pod("  annotations:\n    directfaas.io/host-interface: an-interface-name"),
     {"f.yaml:6: error: Pod default/p: annotation directfaas.io/host-interface is not the name of "
      "an interface. Use at most 15 characters without spaces, \"/\" and \":\""}},
    {"Address",
     pod("status:\n  podIPs:\n  - ip: 10.0.0.1/24"),
     {"f.yaml:7: error: Pod default/p: status.podIPs[0].ip is \"10.0.0.1/24\", which is not an IP "
      "address that a packet can go to. Write an IPv4 or IPv6 address without port, zone or prefix "
      "length"}},
    {"AddressForm",
     pod("status:\n  podIPs: [10.0.0.1, {}]"),
     {"f.yaml:6: error: Pod default/p: status.podIPs[0] must be a map, found the text "
      "\"10.0.0.1\". Write \"key: value\" lines below it",
      "f.yaml:6: error: Pod default/p: status.podIPs[1].ip is missing. Write \"ip: <address>\""}},
    {"Labels",
     pod("  labels: [app]"),
     {"f.yaml:5: error: Pod default/p: metadata.labels must be a map, found a list. Write \"key: "
      "value\" lines below it"}},
};

std::string kind_mistake(const testing::TestParamInfo<Case>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Service, KindMistake, testing::ValuesIn(kServices), kind_mistake);
INSTANTIATE_TEST_SUITE_P(EndpointSlice, KindMistake, testing::ValuesIn(kSlices), kind_mistake);
INSTANTIATE_TEST_SUITE_P(Pod, KindMistake, testing::ValuesIn(kPods), kind_mistake);

std::string policy(std::string_view spec) {
    return fmt::format(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: n}}\nspec:\n{}\n",
        spec);
}

TEST(NetworkPolicy, OnlyWhomItSelectsIsRead) {
    using Operator = model::LabelRequirement::Operator;
    const auto object = only<model::NetworkPolicy>(policy(R"(  podSelector:
    matchLabels: {app: db}
    matchExpressions:
    - {key: tier, operator: NotIn, values: [a, b]}
    - {key: zone, operator: Exists}
  policyTypes: [Ingress]
  ingress:
  - from: [{podSelector: {matchLabels: {app: api}}}])"));
    EXPECT_EQ(object.name, (model::ObjectName{"default", "n"}));
    EXPECT_EQ(object.match_labels, (model::Labels{{"app", "db"}}));
    ASSERT_EQ(object.match_expressions.size(), 2U);
    EXPECT_EQ(object.match_expressions[0],
              (model::LabelRequirement{"tier", Operator::kNotIn, {"a", "b"}}));
    EXPECT_EQ(object.match_expressions[1],
              (model::LabelRequirement{"zone", Operator::kExists, {}}));
}

TEST(NetworkPolicy, AnEmptySelectorIsEveryPod) {
    const auto object = only<model::NetworkPolicy>(policy("  podSelector: {}"));
    EXPECT_TRUE(object.selects({}));
    EXPECT_TRUE(object.selects({{"app", "db"}}));
}

TEST(NetworkPolicy, MistakesAreTold) {
    const auto expression = [](std::string_view text) {
        return problems_of(policy(fmt::format("  podSelector: {{matchExpressions: [{}]}}", text)));
    };
    EXPECT_THAT(expression("{key: a, operator: Near}"), ElementsAre(testing::HasSubstr("NotIn")));
    EXPECT_THAT(expression("{key: a, operator: In}"),
                ElementsAre(testing::HasSubstr("values is missing")));
    EXPECT_THAT(expression("{key: a, operator: Exists, values: [b]}"),
                ElementsAre(testing::HasSubstr("must not be given")));
    EXPECT_THAT(expression("{operator: In, values: [b]}"),
                ElementsAre(testing::HasSubstr("key is missing")));
}

}  // namespace
}  // namespace directfaas::manifest
