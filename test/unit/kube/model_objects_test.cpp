// SPDX-License-Identifier: Apache-2.0
// Objects as an apiserver of version 1.34 gives them, with all that it adds.
#include "lib/kube/model_objects.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "lib/model/model.h"

namespace directfaas::kube {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kMetadata =
    R"("uid":"6f1c3c1e-3d1e-4b62-9a0c-6f7f1b1d2a3b","resourceVersion":"4711","generation":2,
"creationTimestamp":"2026-11-24T09:00:00Z","managedFields":[{"manager":"kubectl","operation":"Update",
"apiVersion":"v1","time":"2026-11-24T09:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{".":{}}}}],
"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"a\":\"\\u0000\"}\n"})";

RawObject raw(const std::string& text) {
    auto object = read_object(text);
    EXPECT_TRUE(object);
    return object.value_or(RawObject{});
}

template <typename T>
T only(const ModelObject& result) {
    for (const auto& problem : result.problems) {
        ADD_FAILURE() << problem.text();
    }
    if (result.objects.size() != 1 || !std::holds_alternative<T>(result.objects.front())) {
        ADD_FAILURE() << "not one object of this kind";
        return {};
    }
    return std::get<T>(result.objects.front());
}

template <typename T>
T decoded(Kind kind, const std::string& text) {
    return only<T>(to_model(kind, raw(text)));
}

util::IpAddress ip(std::string_view text) { return *util::IpAddress::parse(text); }

TEST(ModelObjects, AService) {
    const auto text = fmt::format(
        R"({{"metadata":{{"name":"reviews","namespace":"shop",{}}},"spec":{{"clusterIP":"10.96.7.9",
"clusterIPs":["10.96.7.9","fd00:96::9"],"internalTrafficPolicy":"Cluster","ipFamilies":["IPv4","IPv6"],
"ipFamilyPolicy":"PreferDualStack","ports":[{{"name":"http","port":80,"protocol":"TCP","targetPort":9080,
"appProtocol":"http"}},{{"name":"dns","port":53,"protocol":"UDP","targetPort":"dns","nodePort":30053}}],
"selector":{{"app":"reviews"}},"sessionAffinity":"None","type":"NodePort"}},"status":{{"loadBalancer":{{}}}}}})",
        kMetadata);
    const auto service = decoded<model::Service>(Kind::kService, text);
    EXPECT_EQ(service.name.text(), "shop/reviews");
    EXPECT_THAT(service.cluster_ips, ElementsAre(ip("10.96.7.9"), ip("fd00:96::9")));
    ASSERT_EQ(service.ports.size(), 2U);
    EXPECT_EQ(service.ports[1].protocol, util::Protocol::kUdp);
    EXPECT_EQ(service.selector, (model::Labels{{"app", "reviews"}}));
    EXPECT_EQ(service.where.text(), "Service shop/reviews");
}

TEST(ModelObjects, ServicesOfOtherTypesAreNoProblem) {
    const auto headless = decoded<model::Service>(
        Kind::kService,
        R"({"metadata":{"name":"h","namespace":"shop"},"spec":{"clusterIP":"None","clusterIPs":["None"]}})");
    EXPECT_TRUE(headless.cluster_ips.empty());
    const auto external = decoded<model::Service>(
        Kind::kService,
        R"({"metadata":{"name":"e","namespace":"shop"},"spec":{"type":"ExternalName","externalName":"x.org"}})");
    EXPECT_TRUE(external.cluster_ips.empty());
    const auto sctp = decoded<model::Service>(
        Kind::kService,
        R"({"metadata":{"name":"s","namespace":"shop"},"spec":{"clusterIP":"10.96.0.4","ports":[{"port":9,"protocol":"SCTP"}]}})");
    EXPECT_TRUE(sctp.ports.empty());
}

TEST(ModelObjects, AnEndpointSlice) {
    const auto text = fmt::format(
        R"({{"addressType":"IPv4","metadata":{{"name":"reviews-x7k2p","namespace":"shop","generateName":"reviews-",
"labels":{{"endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io",
"kubernetes.io/service-name":"reviews"}},"ownerReferences":[{{"kind":"Service"}}],{}}},
"endpoints":[{{"addresses":["10.244.0.13"],"conditions":{{"ready":true,"serving":true,"terminating":false}},
"nodeName":"n1","targetRef":{{"kind":"Pod","name":"reviews-0"}},"zone":"a","hints":{{"forZones":[{{"name":"a"}}]}}}},
{{"addresses":["10.244.0.14"],"conditions":{{}}}},{{"addresses":["10.244.0.15"]}},
{{"addresses":["10.244.0.16"],"conditions":{{"ready":null,"serving":false,"terminating":true}}}}],
"ports":[{{"name":"http","port":9080,"protocol":"TCP"}},{{"name":"any","port":null}}]}})",
        kMetadata);
    const auto slice = decoded<model::EndpointSlice>(Kind::kEndpointSlice, text);
    EXPECT_EQ(slice.service, "reviews");
    ASSERT_EQ(slice.endpoints.size(), 4U);
    EXPECT_TRUE(slice.endpoints[0].ready);
    EXPECT_TRUE(slice.endpoints[1].ready) << "an absent condition counts as ready";
    EXPECT_TRUE(slice.endpoints[2].ready);
    EXPECT_TRUE(slice.endpoints[3].ready) << "null is absent";
    EXPECT_FALSE(slice.endpoints[3].serving);
    EXPECT_TRUE(slice.endpoints[3].terminating);
    ASSERT_EQ(slice.ports.size(), 1U);
    EXPECT_EQ(slice.ports[0].port, 9080);
}

TEST(ModelObjects, SlicesThatAreNotOursAreLeftOut) {
    for (
        const auto* text :
        {R"({"addressType":"FQDN","metadata":{"name":"a","namespace":"shop"},"endpoints":[{"addresses":["x.org"]}]})",
         R"({"addressType":"IPv4","metadata":{"name":"a","namespace":"shop"},"endpoints":null,"ports":null})"}) {
        const auto result = to_model(Kind::kEndpointSlice, raw(text));
        EXPECT_TRUE(result.objects.empty());
        EXPECT_TRUE(result.problems.empty());
        EXPECT_FALSE(result.wrong);
    }
}

std::string pod(std::string_view phase, std::string_view host_network) {
    return fmt::format(
        R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"reviews-0","namespace":"shop","labels":{{"app":"reviews",
"pod-template-hash":"5d4f"}},{}}},"spec":{{"nodeName":"n1","hostNetwork":{},"containers":[{{"name":"c","image":"i",
"env":[{{"name":"X","value":"yes\u007f{}"}}],"resources":{{}}}}],"tolerations":[{{"operator":"Exists"}}]}},
"status":{{"phase":"{}","hostIP":"10.0.0.1","podIP":"10.244.0.13","podIPs":[{{"ip":"10.244.0.13"}},{{"ip":"fd00::13"}}],
"conditions":[{{"type":"Ready","status":"True","lastProbeTime":null}}],"startTime":"2026-11-24T09:00:00Z"}}}})",
        kMetadata, host_network, '\x7f', phase);
}

TEST(ModelObjects, APod) {
    const auto decoded_pod = decoded<model::Pod>(Kind::kPod, pod("Running", "false"));
    EXPECT_EQ(decoded_pod.node, "n1");
    EXPECT_THAT(decoded_pod.ips, ElementsAre(ip("10.244.0.13"), ip("fd00::13")));
    EXPECT_EQ(decoded_pod.labels.at("app"), "reviews");
}

TEST(ModelObjects, PodsThatHaveEndedOrHaveNoNetworkAreLeftOut) {
    for (const auto& text :
         {pod("Succeeded", "false"), pod("Failed", "false"), pod("Running", "true")}) {
        const auto result = to_model(Kind::kPod, raw(text));
        EXPECT_TRUE(result.objects.empty());
        EXPECT_TRUE(result.problems.empty());
    }
}

std::string chain(std::string_view function) {
    return fmt::format(
        R"({{"apiVersion":"directfaas.io/v1alpha1","kind":"FunctionChain","metadata":{{"name":"bookinfo","namespace":"shop",{}}},
"spec":{{"functions":[{{"name":"productpage","exposure":"Ingress"}},{{{}}}],"edges":[{{"from":"productpage","to":"reviews"}}],
"entries":[{{"name":"gateway","selector":{{"matchLabels":{{"app":"gateway"}}}}}}]}},
"status":{{"observedGeneration":2,"conditions":[{{"type":"Accepted","status":"True"}}]}}}})",
        kMetadata, function);
}

TEST(ModelObjects, AFunctionChain) {
    const auto found = decoded<model::FunctionChain>(
        Kind::kFunctionChain, chain(R"("name":"reviews","scaleFromZero":{"mode":"Direct"})"));
    ASSERT_EQ(found.functions.size(), 2U);
    EXPECT_EQ(found.functions[1].scale_from_zero, model::ScaleFromZero::kDirect);
    for (const auto& where :
         {found.where, found.functions[0].where, found.edges[0].where, found.entries[0].where}) {
        EXPECT_EQ(where.text(), "FunctionChain shop/bookinfo");
    }
}

TEST(ModelObjects, AChainsMistakesAreNamed) {
    const auto result = to_model(Kind::kFunctionChain,
                                 raw(chain(R"("name":"reviews","limits":{"rate":1},"wieght":2)")));
    EXPECT_TRUE(result.wrong);
    EXPECT_TRUE(result.objects.empty());
    ASSERT_EQ(result.problems.size(), 2U);
    EXPECT_THAT(result.problems[0].text(),
                HasSubstr("FunctionChain shop/bookinfo: error: FunctionChain shop/bookinfo: "
                          "spec.functions[1].wieght is not a known field"));
    EXPECT_THAT(result.problems[1].text(), HasSubstr("limits is not supported yet"));
}

TEST(ModelObjects, TheModelSaysWhyAServiceHasNoVip) {
    model::Model model({.node_name = "n1", .pod_networks = {}});
    const auto replace = [&](Kind kind, const std::string& text) {
        const auto object = raw(text);
        auto result = to_model(kind, object);
        EXPECT_FALSE(result.wrong);
        EXPECT_TRUE(model.replace(origin_of(kind, object.key), std::move(result.objects)));
    };
    const auto warnings = [&] {
        std::string all;
        for (const auto& warning : model.warnings()) {
            all += warning.text() + "\n";
        }
        return all;
    };
    replace(Kind::kFunctionChain, chain(R"("name":"reviews")"));
    EXPECT_THAT(warnings(), HasSubstr("there is no Service shop/reviews"));
    replace(
        Kind::kService,
        R"({"metadata":{"name":"reviews","namespace":"shop"},"spec":{"clusterIP":"None","clusterIPs":["None"],"selector":{"app":"reviews"},"ports":[{"port":80}]}})");
    EXPECT_THAT(warnings(), HasSubstr("is headless"));
    replace(
        Kind::kService,
        R"({"metadata":{"name":"reviews","namespace":"shop"},"spec":{"clusterIP":"10.96.0.9","ports":[{"port":80}]}})");
    EXPECT_THAT(warnings(), HasSubstr("has no selector"));
}

TEST(ModelObjects, PathsAreThoseOfTheApi) {
    EXPECT_EQ(resource_of(Kind::kFunctionChain).path,
              "/apis/directfaas.io/v1alpha1/functionchains");
    EXPECT_EQ(resource_of(Kind::kEndpointSlice).path, "/apis/discovery.k8s.io/v1/endpointslices");
    EXPECT_EQ(resource_of(Kind::kPod, "shop").path, "/api/v1/namespaces/shop/pods");
    EXPECT_EQ(resource_of(Kind::kService).path, "/api/v1/services");
}

}  // namespace
}  // namespace directfaas::kube
