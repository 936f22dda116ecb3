// SPDX-License-Identifier: Apache-2.0
// What a namespace's chains must not say, alone or together; each with its line and remedy.
#include "lib/model/chain_graph.h"
#include "test/unit/model/fixture.h"

namespace directfaas::model::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class ChainValidationTest : public ModelTest {
   protected:
    /// The problems of one chain alone.
    std::vector<Problem> of(const FunctionChain& chain) { return refused("file", {chain}); }
};

constexpr const char* kApp = "FunctionChain shop/app";

TEST_F(ChainValidationTest, ACycleIsNamedFromEndToEnd) {
    EXPECT_THAT(of(chain("app", {"a", "b", "c"}, {{"b", "c"}, {"c", "a"}, {"a", "b"}})),
                ElementsAre(error(at(22, "app.yaml"), kApp, "closes the cycle a→b→c→a",
                                  "Remove one of these edges")));
}

TEST_F(ChainValidationTest, EachCycleIsReported) {
    const auto problems = of(chain("app", {"a", "b", "c", "d", "e"},
                                   {{"a", "b"}, {"b", "a"}, {"c", "d"}, {"d", "e"}, {"e", "c"}}));
    EXPECT_THAT(problems, ElementsAre(error(at(21, "app.yaml"), kApp, "a→b→a"),
                                      error(at(24, "app.yaml"), kApp, "c→d→e→c")));
}

TEST_F(ChainValidationTest, ACycleBehindABranchIsFound) {
    EXPECT_THAT(of(chain("app", {"a", "b", "c", "d"},
                         {{"a", "b"}, {"a", "c"}, {"b", "d"}, {"c", "d"}, {"d", "c"}})),
                ElementsAre(error(at(24, "app.yaml"), kApp, "closes the cycle c→d→c")));
}

TEST_F(ChainValidationTest, TwoWaysToOneFunctionAreNoCycle) {
    put("file", {chain("app", {"a", "b", "c", "d"},
                       {{"a", "b"}, {"a", "c"}, {"b", "d"}, {"c", "d"}, {"a", "d"}})});
}

TEST_F(ChainValidationTest, ALongChainNeedsNoStack) {
    constexpr int kLength = 100'000;
    std::vector<std::string> functions;
    std::vector<std::pair<std::string, std::string>> edges;
    for (int i = 0; i < kLength; ++i) {
        functions.push_back("f" + std::to_string(i));
        edges.emplace_back("f" + std::to_string(i), "f" + std::to_string((i + 1) % kLength));
    }
    const auto ring = chain("app", functions, edges);
    const std::vector<const FunctionChain*> chains{&ring};
    const auto problems = merge_chains(chains, {}).problems;
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_THAT(problems.front().message, HasSubstr("→f15→f16→(99968 more)→f99985→"));
    EXPECT_LT(problems.front().message.size(), 1000U) << "still readable";
}

TEST_F(ChainValidationTest, ACycleOverTwoChainsIsReportedAtTheOneThatWasChanged) {
    put("zoo.yaml", {chain("zoo", {"a", "b", "c"}, {{"a", "b"}, {"b", "c"}})});
    EXPECT_THAT(
        refused("app.yaml", {chain("app", {"x"}, {{"c", "a"}})}),
        ElementsAre(error(at(20, "app.yaml"), kApp, "edge c → a closes the cycle a→b→c→a")));
    put("app.yaml", {chain("app", {"x"}, {{"c", "x"}})});
    EXPECT_THAT(
        refused("zoo.yaml", {chain("zoo", {"a", "b", "c"}, {{"a", "b"}, {"x", "b"}, {"b", "c"}})}),
        ElementsAre(error(at(22, "zoo.yaml"), "FunctionChain shop/zoo", "b→c→x→b")));
}

TEST_F(ChainValidationTest, ChainsOfDifferentNamespacesAreApart) {
    put("app.yaml", {chain("app", {"a", "b"}, {{"a", "b"}})});
    auto other = chain("app", {"a", "b"}, {{"b", "a"}});
    other.name.ns = "else";
    put("other.yaml", {other});
    EXPECT_FALSE(allowed(function("b"), function("a")));
    EXPECT_TRUE(allowed(function("b", "else"), function("a", "else")));
}

TEST_F(ChainValidationTest, AnEdgeToItselfPointsToAllowSelf) {
    EXPECT_THAT(of(chain("app", {"a"}, {{"a", "a"}})),
                ElementsAre(error(at(20, "app.yaml"), kApp, "edge a → a", "allowSelf: true")));
}

TEST_F(ChainValidationTest, AnEdgeOfUnknownFunctionsNamesEachAndThoseThereAre) {
    EXPECT_THAT(
        of(chain("app", {"a", "b"}, {{"a", "bee"}, {"x", "y"}})),
        ElementsAre(error(at(20, "app.yaml"), kApp,
                          "names bee, which is in functions[] of no chain", "there are: a, b"),
                    error(at(21, "app.yaml"), kApp, "names x,"),
                    error(at(21, "app.yaml"), kApp, "names y,")));
}

TEST_F(ChainValidationTest, AnEdgeMayNameAFunctionOfAnotherChain) {
    put("one.yaml", {chain("one", {"a"}, {})});
    put("two.yaml", {chain("two", {"b"}, {{"a", "b"}})});
    EXPECT_TRUE(allowed(function("a"), function("b")));
}

TEST_F(ChainValidationTest, AChainThatAnotherNeedsCannotGo) {
    put("one.yaml", {chain("one", {"a"}, {})});
    put("two.yaml", {chain("two", {"b"}, {{"a", "b"}})});
    EXPECT_THAT(refused("one.yaml", {}),
                ElementsAre(error(at(20, "two.yaml"), "FunctionChain shop/two", "names a,")));
    put("two.yaml", {});
    put("one.yaml", {});
}

TEST_F(ChainValidationTest, AnEdgeFromAnEntryIsExplained) {
    auto app = chain("app", {"a"}, {{"gateway", "a"}});
    app.entries = {{"gateway", {{"app", "gateway"}}, at(30, "app.yaml")}};
    EXPECT_THAT(of(app), ElementsAre(error(at(20, "app.yaml"), kApp,
                                           "names gateway, which is an entry", "")));
}

TEST_F(ChainValidationTest, ASecondEdgeOfAChainIsASlip) {
    EXPECT_THAT(of(chain("app", {"a", "b"}, {{"a", "b"}, {"a", "b"}})),
                ElementsAre(error(at(21, "app.yaml"), kApp,
                                  "edge a → b is listed twice, here and at app.yaml:20")));
}

TEST_F(ChainValidationTest, ASecondEdgeOfAnotherChainAddsUp) {
    put("one.yaml", {chain("one", {"a", "b"}, {{"a", "b"}})});
    EXPECT_TRUE(put("two.yaml", {chain("two", {"a", "b"}, {{"a", "b"}})}).empty());
    EXPECT_TRUE(put("one.yaml", {}).empty());
    EXPECT_TRUE(allowed(function("a"), function("b")));
    EXPECT_FALSE(put("two.yaml", {}).empty());
}

TEST_F(ChainValidationTest, ASecondFunctionOfAChainIsASlip) {
    EXPECT_THAT(of(chain("app", {"a", "b", "a"}, {})),
                ElementsAre(error(at(12, "app.yaml"), kApp,
                                  "function a is listed twice, here and at app.yaml:10")));
}

TEST_F(ChainValidationTest, FunctionsOfTwoChainsMustAgree) {
    put("one.yaml", {chain("one", {"a"}, {})});
    struct Case {
        const char* field;
        std::function<void(ChainFunction&)> change;
    };
    const std::vector<Case> cases{
        {"serviceRef", [](auto& f) { f.service = "other"; }},
        {"serviceRef", [](auto& f) { f.service_port = "http"; }},
        {"exposure", [](auto& f) { f.ingress = true; }},
        {"exposure", [](auto& f) { f.ingress_from = {{"else", "x"}}; }},
        {"allowSelf", [](auto& f) { f.allow_self = true; }},
        {"openPorts", [](auto& f) { f.open_ports = {{22, util::Protocol::kTcp}}; }},
        {"scaleFromZero", [](auto& f) { f.scale_from_zero = ScaleFromZero::kDirect; }},
    };
    for (const auto& [field, change] : cases) {
        auto app = chain("app", {"a"}, {});
        change(app.functions.front());
        EXPECT_THAT(refused("app.yaml", {app}),
                    ElementsAre(error(at(10, "app.yaml"), kApp,
                                      std::string("function a has another ") + field +
                                          " than in FunctionChain shop/one (one.yaml:10)")));
    }
    put("app.yaml", {chain("app", {"a"}, {})});
}

TEST_F(ChainValidationTest, StrictestEnforcementWins) {
    auto audit = chain("audit", {"a", "b"}, {});
    audit.enforcement = Enforcement::kAudit;
    put("audit.yaml", {audit});
    EXPECT_EQ(rules().identities.at(function("a")).enforcement, Enforcement::kAudit);
    put("strict.yaml", {chain("strict", {"a"}, {})});
    EXPECT_EQ(rules().identities.at(function("a")).enforcement, Enforcement::kEnforce);
    EXPECT_EQ(rules().identities.at(function("b")).enforcement, Enforcement::kAudit);
    put("strict.yaml", {});
    EXPECT_EQ(rules().identities.at(function("a")).enforcement, Enforcement::kAudit);
}

TEST_F(ChainValidationTest, FastPathIsOffIfOneChainSaysSo) {
    auto off = chain("off", {"a"}, {});
    off.fast_path = false;
    put("on.yaml", {chain("on", {"a", "b"}, {})});
    EXPECT_TRUE(rules().identities.at(function("a")).fast_path);
    put("off.yaml", {off});
    EXPECT_FALSE(rules().identities.at(function("a")).fast_path);
    EXPECT_TRUE(rules().identities.at(function("b")).fast_path);
    put("off.yaml", {});
    EXPECT_TRUE(rules().identities.at(function("a")).fast_path);
}

TEST_F(ChainValidationTest, AFunctionAndAnEntryHaveDifferentNames) {
    auto app = chain("app", {"a"}, {});
    app.entries = {{"a", {{"app", "gateway"}}, at(30, "app.yaml")}};
    EXPECT_THAT(of(app), ElementsAre(error(at(30, "app.yaml"), kApp,
                                           "entry a has the name of a function (app.yaml:10)")));
}

TEST_F(ChainValidationTest, EntriesOfTwoChainsMustAgree) {
    auto one = chain("one", {}, {});
    one.entries = {{"gateway", {{"app", "gateway"}}, at(30, "one.yaml")}};
    put("one.yaml", {one});
    auto app = chain("app", {}, {});
    app.entries = {{"gateway", {{"app", "other"}}, at(30, "app.yaml")}};
    EXPECT_THAT(refused("app.yaml", {app}),
                ElementsAre(error(at(30, "app.yaml"), kApp, "entry gateway has another selector")));
}

TEST_F(ChainValidationTest, AnEntryOfAllPodsIsRefused) {
    auto app = chain("app", {}, {});
    app.entries = {{"gateway", {}, at(30, "app.yaml")}};
    EXPECT_THAT(of(app), ElementsAre(error(at(30, "app.yaml"), kApp, "selects no labels")));
}

TEST_F(ChainValidationTest, ExposureFromIsForOtherNamespaces) {
    auto app = chain("app", {"a", "b"}, {});
    declared(app, "b").ingress_from = {{"shop", "a"}};
    EXPECT_THAT(of(app), ElementsAre(error(at(11, "app.yaml"), kApp,
                                           "exposure.from of function b names shop/a",
                                           "Declare an edge a → b")));
}

TEST_F(ChainValidationTest, AllProblemsAreReportedAtOnce) {
    auto app = chain("app", {"a", "b", "a"}, {{"a", "a"}, {"a", "b"}, {"b", "a"}, {"a", "x"}});
    EXPECT_THAT(of(app), UnorderedElementsAre(error(at(12, "app.yaml"), kApp, "listed twice"),
                                              error(at(20, "app.yaml"), kApp, "a → a"),
                                              error(at(22, "app.yaml"), kApp, "a→b→a"),
                                              error(at(23, "app.yaml"), kApp, "names x")));
}

}  // namespace
}  // namespace directfaas::model::test
