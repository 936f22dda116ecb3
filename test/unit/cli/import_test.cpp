// SPDX-License-Identifier: Apache-2.0
// OpenFaaS's stack files → chains that the agent accepts, and every remark about the rest.
#include <gmock/gmock.h>

#include <fstream>

#include "cli/import/chains.h"
#include "lib/manifest/validate.h"
#include "test/unit/cli/command_fixture.h"

namespace directfaas::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kShop = R"(version: 1.0
provider:
  name: openfaas
  gateway: http://127.0.0.1:8080
functions:
  request:
    lang: node20
    handler: ./request
    image: ${REGISTRY:-example}/request:latest
    annotations:
      directfaas.io/invokes: "assign, record"
    environment:
      URL_ASSIGN: http://gateway.openfaas:8080/function/assign
      URL_RECORD: http://record.openfaas-fn:8080/
      URL_MESSAGE: http://gateway.openfaas:8080/function/message.openfaas-fn?x=1
      LATER: http://gateway.openfaas:8080/async-function/record
  assign:
    annotations: {directfaas.io/exposure: Internal}
    labels: {com.openfaas.scale.zero: true}
  record:
    annotations:
      directfaas.io/scale-from-zero: Metrics
      com.openfaas.scale.zero: "true"
  message:
    environment_file: [secrets.yml]
configuration:
  templates: []
)";

class Import : public CommandTest {
   protected:
    std::string write(const std::string& name, const std::string& text) {
        const auto path = run_.path() + "/" + name;
        std::ofstream(path) << text;
        return path;
    }
    /// Imports one file.
    Ended imported(const std::string& text, const std::vector<std::string>& flags = {}) {
        std::vector<std::string> words{"import", write("stack.yml", text)};
        words.insert(words.end(), flags.begin(), flags.end());
        return run_words(words);
    }
    /// Errors that the agent would find.
    std::vector<std::string> errors(const std::string& manifests, const char* name = "made.yaml") {
        std::vector<std::string> found;
        for (const auto& problem : manifest::validate({write(name, manifests)}, {})) {
            if (problem.severity == model::Problem::Severity::kError) {
                found.push_back(problem.text());
            }
        }
        return found;
    }
};

TEST_F(Import, AStackFileBecomesAChainThatIsAccepted) {
    const auto ended = imported(kShop);
    EXPECT_EQ(ended.exit, 0) << ended.err;
    EXPECT_EQ(ended.out,
              "apiVersion: directfaas.io/v1alpha1\n"
              "kind: FunctionChain\n"
              "metadata:\n"
              "  name: stack\n"
              "  namespace: openfaas-fn\n"
              "spec:\n"
              "  functions:\n"
              "  - name: request\n"
              "    exposure: Ingress\n"
              "  - name: assign\n"
              "    exposure: Internal\n"
              "    scaleFromZero: Direct\n"
              "  - name: record\n"
              "    exposure: Ingress\n"
              "    scaleFromZero: Metrics\n"
              "  - name: message\n"
              "    exposure: Ingress\n"
              "  edges:\n"
              "  - {from: request, to: assign}\n"
              "  - {from: request, to: record}\n");
    EXPECT_THAT(errors(ended.out), IsEmpty());
}

TEST_F(Import, SaysWhatItDoesNotCarryOverAndWhatToDo) {
    const auto ended = imported(kShop);
    EXPECT_THAT(ended.err, HasSubstr("stack.yml:13: warning: function request: environment "
                                     "variable URL_ASSIGN calls assign through"));
    EXPECT_THAT(ended.err, HasSubstr("set it to http://assign.openfaas-fn:8080/"));
    EXPECT_THAT(ended.err, HasSubstr("URL_MESSAGE names message, but no edge"));
    EXPECT_THAT(ended.err, Not(HasSubstr("URL_RECORD"))) << "direct already, and declared";
    EXPECT_THAT(ended.err, Not(HasSubstr("LATER"))) << "the queue worker's call, not its own";
    EXPECT_THAT(ended.err, HasSubstr("function assign: com.openfaas.scale.zero becomes"));
    EXPECT_THAT(ended.err, Not(HasSubstr("function record"))) << "ours says it already";
    EXPECT_THAT(ended.err, HasSubstr("environment_file is not read"));
    EXPECT_THAT(ended.err, HasSubstr("4 functions, 2 edges in 1 chain\n"));
}

TEST_F(Import, TheEnvironmentGivesEdgesIfAsked) {
    const auto ended = imported(kShop, {"--edges-from-environment", "--name", "hello", "-n", "fn"});
    EXPECT_EQ(ended.exit, 0);
    EXPECT_THAT(ended.out, HasSubstr("  name: hello\n  namespace: fn\n"));
    EXPECT_THAT(ended.out, Not(HasSubstr("to: message"))) << "openfaas-fn is another namespace";
    const auto same = imported(kShop, {"--edges-from-environment"});
    EXPECT_THAT(same.out, HasSubstr("  - {from: request, to: message}\n"));
    EXPECT_THAT(errors(same.out), IsEmpty());
}

TEST_F(Import, WhatNoChainMayHoldIsLeftOutByName) {
    const auto ended = imported(
        "functions:\n"
        "  a: {annotations: {directfaas.io/invokes: 'b,gone,a,-x'}}\n"
        "  b: {annotations: {directfaas.io/invokes: c}}\n"
        "  c: {annotations: {directfaas.io/invokes: a, directfaas.io/invoke: b}}\n"
        "  Upper: {}\n"
        "  empty:\n"
        "  odd: {annotations: {directfaas.io/exposure: Public}, namespace: No_Name}\n");
    EXPECT_EQ(ended.exit, 1);
    EXPECT_THAT(ended.err, HasSubstr("edge a → gone is left out"));
    EXPECT_THAT(ended.err, HasSubstr("edge a → a is left out"));
    EXPECT_THAT(ended.err, HasSubstr("edge c → a is left out: it would close a cycle"));
    EXPECT_THAT(ended.err, HasSubstr("names \"-x\", which is not a valid name"));
    EXPECT_THAT(ended.err, HasSubstr("stack.yml:4: error: function c: annotation "
                                     "directfaas.io/invoke is not known"));
    EXPECT_THAT(ended.err, HasSubstr("function Upper: the function is left out"));
    EXPECT_THAT(ended.err, HasSubstr("function empty"));
    EXPECT_THAT(ended.err, HasSubstr("Public"));
    EXPECT_THAT(ended.err, HasSubstr("namespace is not a valid name"));
    EXPECT_THAT(ended.out, HasSubstr("  - {from: a, to: b}\n  - {from: b, to: c}\n"));
    EXPECT_THAT(errors(ended.out), IsEmpty());
}

TEST_F(Import, SeveralFilesAndNamespaces) {
    const auto one = write("one.yml",
                           "functions:\n"
                           "  a: {annotations: {directfaas.io/invokes: b}}\n"
                           "  other: {namespace: staging}\n");
    const auto two = write("two.yml", "functions:\n  b: {}\n  a: {}\n");
    const auto ended = run_words({"import", one, two});
    EXPECT_EQ(ended.exit, 1);
    EXPECT_THAT(ended.err, HasSubstr("two.yml:3: error: function a: the function is left out"));
    EXPECT_THAT(ended.out, HasSubstr("namespace: openfaas-fn"));
    EXPECT_THAT(ended.out, HasSubstr("---\n"));
    EXPECT_THAT(ended.out, HasSubstr("namespace: staging"));
    EXPECT_THAT(ended.out, HasSubstr("{from: a, to: b}"));
    EXPECT_THAT(errors(ended.out), IsEmpty());
    const auto json = run_words({"import", one, two, "-o", "json"});
    EXPECT_EQ(Json::parse(json.out)["kind"], "List");
    EXPECT_THAT(errors(json.out, "made.json"), IsEmpty());
}

TEST_F(Import, MoreThanAChainHoldsBecomesSeveral) {
    std::string text = "functions:\n";
    for (int i = 0; i < 130; ++i) {
        text += "  f" + std::to_string(i) + ": {annotations: {directfaas.io/invokes: '";
        for (int callee = i + 1; callee <= i + 4 && callee < 130; ++callee) {
            text += (callee == i + 1 ? "f" : ",f") + std::to_string(callee);
        }
        text += "'}}\n";
    }
    const auto ended = imported(text);
    EXPECT_EQ(ended.exit, 0) << ended.err;
    EXPECT_THAT(ended.err, HasSubstr("130 functions, 510 edges in 3 chains"));
    EXPECT_THAT(ended.out, HasSubstr("name: stack-3"));
    EXPECT_THAT(errors(ended.out), IsEmpty());
}

TEST_F(Import, NamesThatYamlWouldMisread) {
    const auto ended = imported("functions:\n  \"on\": {}\n  \"123\": {}\n  \"1e3\": {}\n");
    EXPECT_EQ(ended.exit, 0) << ended.err;
    EXPECT_THAT(ended.out, HasSubstr("- name: \"on\"\n"));
    EXPECT_THAT(errors(ended.out), IsEmpty());
}

TEST_F(Import, WhatIsNoStackFile) {
    for (const char* text : {"", "kind: Pod\n", "- a\n", "functions: [a]\n", "a: [\n", "\t\n"}) {
        const auto ended = imported(text);
        EXPECT_EQ(ended.exit, 1) << text;
        EXPECT_THAT(ended.out, IsEmpty()) << text;
        EXPECT_THAT(ended.err, HasSubstr("error:")) << text;
        EXPECT_THAT(ended.err, HasSubstr("mend")) << text;
    }
    const auto absent = run_words({"import", run_.path() + "/none.yml"});
    EXPECT_EQ(absent.exit, 1);
    EXPECT_THAT(absent.err, HasSubstr("none.yml"));
    EXPECT_EQ(run_words({"import"}).exit, 2);
    EXPECT_EQ(run_words({"import", "x", "--name", "No"}).exit, 2);
    EXPECT_EQ(run_words({"status", "-o", "yaml"}).exit, 2);
}

TEST(FunctionsInUrl, ByGatewayOrHost) {
    const auto named = functions_in_url("http://gw:8080/function/a.ns,https://b.ns.svc/x");
    ASSERT_EQ(named.size(), 3U);
    EXPECT_EQ(named[0].name, "a");
    EXPECT_EQ(named[0].name_space, "ns");
    EXPECT_TRUE(named[0].by_gateway);
    EXPECT_EQ(named[1].name, "gw");
    EXPECT_EQ(named[2].name, "b");
    EXPECT_EQ(named[2].name_space, "ns");
    EXPECT_THAT(functions_in_url("http://x/async-function/a").size(), 1U);
    EXPECT_THAT(functions_in_url("a/function/"), IsEmpty());
}

}  // namespace
}  // namespace directfaas::cli
