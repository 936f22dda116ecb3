// SPDX-License-Identifier: Apache-2.0
// Services of OpenFaaS functions, whose annotations stand for a FunctionChain.
#include "lib/manifest/openfaas.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "test/unit/manifest/decoding.h"

namespace directfaas::manifest {
namespace {

using model::FunctionChain;
using testing::ElementsAre;
using testing::IsEmpty;

std::string faas(std::string_view annotations, std::string_view selector = "faas_function: a") {
    return fmt::format(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  namespace: fn\n  annotations:\n"
        "    prometheus.io.scrape: \"false\"\n{}spec:\n  clusterIP: 10.0.0.1\n  selector: {{{}}}\n"
        "  ports: [{{name: http, port: 8080}}]\n",
        annotations, selector);
}

std::string problem(std::string_view text) {
    return fmt::format(
        "f.yaml:8: error: Service fn/a: annotation directfaas.io/invokes {}. Write the names of "
        "functions of this namespace, with commas between: \"b,c\"",
        text);
}

TEST(OpenFaas, AnnotationsStandForAChainAndItsEdgesForAnother) {
    const auto objects = objects_of(
        faas("    directfaas.io/invokes: \"b, c\"\n    directfaas.io/scale-from-zero: Direct\n"));
    ASSERT_EQ(objects.size(), 3U);
    const auto& chain = std::get<FunctionChain>(objects[1]);
    EXPECT_EQ(chain.name, (model::ObjectName{"fn", "openfaas:a"}));
    ASSERT_EQ(chain.functions.size(), 1U);
    const auto& function = chain.functions.front();
    EXPECT_EQ(function.name, "a");
    EXPECT_EQ(function.service, "a");
    EXPECT_TRUE(function.ingress) << "the gateway calls every function";
    EXPECT_EQ(function.scale_from_zero, model::ScaleFromZero::kDirect);
    const auto& edges = std::get<FunctionChain>(objects[2]).edges;
    ASSERT_EQ(edges.size(), 2U);
    EXPECT_EQ(edges[0].from + edges[0].to + edges[1].from + edges[1].to, "abac");
    EXPECT_EQ(edges[0].where, (model::SourceLine{"f.yaml", 8}));
    EXPECT_TRUE(is_openfaas_edges(objects[2]));
    EXPECT_FALSE(is_openfaas_edges(objects[1]));
}

TEST(OpenFaas, AnEmptyListIsAFunctionWithoutEdges) {
    const auto objects =
        objects_of(faas("    directfaas.io/invokes: \"\"\n    directfaas.io/exposure: Internal\n"));
    ASSERT_EQ(objects.size(), 2U);
    EXPECT_FALSE(std::get<FunctionChain>(objects[1]).functions.front().ingress);
}

TEST(OpenFaas, WithoutTheAnnotationAServiceIsAService) {
    EXPECT_EQ(objects_of(faas("")).size(), 1U);
}

TEST(OpenFaas, TheAnnotationAloneIsNotEnough) {
    EXPECT_THAT(problems_of(faas("    directfaas.io/invokes: b\n", "app: a")),
                ElementsAre("f.yaml:8: warning: Service fn/a: annotation directfaas.io/invokes is "
                            "ignored: the selector has no faas_function. List the function in a "
                            "FunctionChain instead"));
}

TEST(OpenFaas, Mistakes) {
    const auto invokes = [](std::string_view value) {
        return problems_of(faas(fmt::format("    directfaas.io/invokes: \"{}\"\n", value)));
    };
    EXPECT_THAT(invokes("b,,c"), ElementsAre(problem("names \"\", which is not a valid name")));
    EXPECT_THAT(invokes("B"), ElementsAre(problem("names \"B\", which is not a valid name")));
    EXPECT_THAT(invokes("b,b"), ElementsAre(problem("names b a second time")));
    EXPECT_THAT(invokes("a"), ElementsAre(problem("names a itself")));
}

}  // namespace
}  // namespace directfaas::manifest
