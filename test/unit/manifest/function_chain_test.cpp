// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "test/unit/manifest/decoding.h"

namespace directfaas::manifest {
namespace {

using model::Enforcement;
using model::FunctionChain;
using model::ScaleFromZero;
using testing::ElementsAre;
using testing::IsEmpty;
using util::Protocol;

TEST(FunctionChain, EveryField) {
    const auto chain = only<FunctionChain>(R"(apiVersion: directfaas.io/v1alpha1
kind: FunctionChain
metadata:
  name: bookinfo
  namespace: shop
  labels: {team: web}
spec:
  enforcement: Audit
  fastPath: "off"
  functions:
  - name: productpage
    serviceRef: {name: productpage-svc, port: http}
    exposure: Ingress
  - name: reviews
    exposure:
      type: Internal
      from:
      - {namespace: ops, name: probe}
    allowSelf: true
    openPorts: [9090, {port: 8125, protocol: UDP}]
    scaleFromZero: {mode: Direct}
  - name: ratings
    scaleFromZero: Metrics
  edges:
  - {from: productpage, to: reviews}
  entries:
  - name: gateway
    selector: {matchLabels: {app: gateway}}
status:
  observedGeneration: 3
)");
    EXPECT_EQ(chain.name, (model::ObjectName{"shop", "bookinfo"}));
    EXPECT_EQ(chain.enforcement, Enforcement::kAudit);
    EXPECT_FALSE(chain.fast_path);
    EXPECT_EQ(chain.where, (model::SourceLine{"f.yaml", 1}));
    ASSERT_EQ(chain.functions.size(), 3U);

    const auto& productpage = chain.functions[0];
    EXPECT_EQ(productpage.name, "productpage");
    EXPECT_EQ(productpage.service, "productpage-svc");
    EXPECT_EQ(productpage.service_port, "http");
    EXPECT_TRUE(productpage.ingress);
    EXPECT_THAT(productpage.ingress_from, IsEmpty());
    EXPECT_FALSE(productpage.allow_self);
    EXPECT_EQ(productpage.scale_from_zero, ScaleFromZero::kDisabled);
    EXPECT_EQ(productpage.where, (model::SourceLine{"f.yaml", 11}));

    const auto& reviews = chain.functions[1];
    EXPECT_EQ(reviews.service, "reviews");
    EXPECT_EQ(reviews.service_port, std::nullopt);
    EXPECT_FALSE(reviews.ingress);
    EXPECT_THAT(reviews.ingress_from, ElementsAre(model::ObjectName{"ops", "probe"}));
    EXPECT_TRUE(reviews.allow_self);
    EXPECT_THAT(reviews.open_ports, ElementsAre(model::PortProtocol{8125, Protocol::kUdp},
                                                model::PortProtocol{9090, Protocol::kTcp}));
    EXPECT_EQ(reviews.scale_from_zero, ScaleFromZero::kDirect);
    EXPECT_EQ(chain.functions[2].scale_from_zero, ScaleFromZero::kMetrics);

    EXPECT_THAT(chain.edges, ElementsAre(model::ChainEdge{
                                 .from = "productpage", .to = "reviews", .where = {"f.yaml", 25}}));
    EXPECT_THAT(chain.entries,
                ElementsAre(model::ChainEntry{
                    .name = "gateway", .selector = {{"app", "gateway"}}, .where = {"f.yaml", 27}}));
}

TEST(FunctionChain, Defaults) {
    const auto chain = only<FunctionChain>(
        "apiVersion: directfaas.io/v1alpha1\nkind: FunctionChain\nmetadata: {name: c}\n"
        "spec: {functions: [{name: f}]}\n");
    EXPECT_EQ(chain.name, (model::ObjectName{"default", "c"}));
    EXPECT_EQ(chain.enforcement, Enforcement::kEnforce);
    ASSERT_EQ(chain.functions.size(), 1U);
    model::ChainFunction function;
    function.name = "f";
    function.service = "f";
    function.where = {"f.yaml", 4};
    EXPECT_EQ(chain.functions[0], function);
}

TEST(FunctionChain, UnquotedOffIsTakenWithAWarning) {
    const auto decoded = decode("f.yaml", chain_with_spec("  fastPath: off"));
    ASSERT_EQ(decoded.problems.size(), 1U);
    EXPECT_EQ(decoded.problems[0].text(),
              "f.yaml:6: warning: FunctionChain shop/bookinfo: spec.fastPath is an unquoted off, "
              "which Kubernetes tools read as false. Write fastPath: \"off\"");
    EXPECT_EQ(decoded.objects.size(), 1U);
}

TEST(FunctionChain, SeveralMistakesAreToldAtOnce) {
    EXPECT_THAT(
        problems_of(chain_with_spec("  functions:\n  - {name: a, exposure: x}\n  - {nam: b}")),
        ElementsAre(chain_error(7,
                                "spec.functions[0].exposure is \"x\", allowed: Ingress, "
                                "Internal. Write one of these"),
                    chain_error(8,
                                "spec.functions[1].nam is not a known field. Did you mean "
                                "name?"),
                    chain_error(8,
                                "spec.functions[1].name is missing. Add a line \"name: "
                                "...\"")));
}

struct Bound {
    std::string list;
    std::string item;
    std::size_t limit;
};

class FunctionChainBound : public testing::TestWithParam<Bound> {};

TEST_P(FunctionChainBound, IsKept) {
    const auto with = [](std::size_t count) {
        std::string text = fmt::format("  {}:\n", GetParam().list);
        for (std::size_t i = 0; i < count; ++i) {
            text += fmt::format("  - {}\n", fmt::format(fmt::runtime(GetParam().item), i));
        }
        return chain_with_spec(text);
    };
    EXPECT_THAT(problems_of(with(GetParam().limit)), IsEmpty());
    EXPECT_THAT(problems_of(with(GetParam().limit + 1)),
                ElementsAre(chain_error(
                    6, fmt::format("spec.{} has {} entries, more than {}. Split the "
                                   "object in two",
                                   GetParam().list, GetParam().limit + 1, GetParam().limit))));
}

INSTANTIATE_TEST_SUITE_P(
    Lists, FunctionChainBound,
    testing::Values(Bound{"functions", "{{name: f{}}}", 64},
                    Bound{"edges", "{{from: a, to: f{}}}", 256},
                    Bound{"entries", "{{name: e{}, selector: {{matchLabels: {{a: b}}}}}}", 64}),
    [](const auto& bound) { return bound.param.list; });

}  // namespace
}  // namespace directfaas::manifest
