// SPDX-License-Identifier: Apache-2.0
// The schema of the FunctionChain CRD, in a real kube-apiserver, against lib/manifest: what is
// tried in a directory is applied to a cluster unchanged, and the other way round.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "lib/manifest/decode.h"
#include "lib/model/model.h"
#include "test/kube/apiserver.h"

namespace directfaas::test {
namespace {

using testing::HasSubstr;

constexpr const char* kChains = "/apis/directfaas.io/v1alpha1/namespaces/default/functionchains";

struct Case {
    const char* name;
    std::string spec;
    bool good;
    /// What only the controller can see: the schema takes it, the model refuses it.
    bool beyond_schema = false;
};

std::string repeated(int count, const std::function<std::string(int)>& item) {
    std::string text;
    for (int i = 0; i < count; ++i) {
        text += (i == 0 ? "" : ",") + item(i);
    }
    return text;
}

std::string functions(int count) {
    return repeated(count, [](int i) { return fmt::format(R"({{"name":"f{}"}})", i); });
}

std::string one(const std::string& fields) {
    return R"({"functions":[{"name":"a")" + (fields.empty() ? "" : "," + fields) + "}]}";
}

std::string entry(const std::string& selector) {
    return R"({"entries":[{"name":"gw","selector":)" + selector + "}]}";
}

std::string two(const std::string& edges) {
    return R"({"functions":[{"name":"a"},{"name":"b"},{"name":"c"}],"edges":[)" + edges + "]}";
}

const std::string kLong63(63, 'a');
const std::string kLong64(64, 'a');

const Case kCases[] = {
    {"Empty", "{}", true},
    {"NoFunctions", R"({"functions":[],"edges":[],"entries":[]})", true},
    {"Names", one(""), true},
    {"LongName", R"({"functions":[{"name":")" + kLong63 + R"("}]})", true},
    {"TooLongName", R"({"functions":[{"name":")" + kLong64 + R"("}]})", false},
    {"UpperCase", R"({"functions":[{"name":"A"}]})", false},
    {"Dot", R"({"functions":[{"name":"a.b"}]})", false},
    {"DashFirst", R"({"functions":[{"name":"-a"}]})", false},
    {"DashLast", R"({"functions":[{"name":"a-"}]})", false},
    {"DigitFirst", R"({"functions":[{"name":"0a"}]})", true},
    {"EmptyName", R"({"functions":[{"name":""}]})", false},
    {"NoName", R"({"functions":[{}]})", false},
    {"NumberName", R"({"functions":[{"name":1}]})", false},
    {"FunctionIsText", R"({"functions":["a"]})", false},
    {"FunctionsIsMap", R"({"functions":{"name":"a"}})", false},
    {"Twice", R"({"functions":[{"name":"a"},{"name":"a"}]})", false},
    {"ManyFunctions", R"({"functions":[)" + functions(64) + "]}", true},
    {"TooManyFunctions", R"({"functions":[)" + functions(65) + "]}", false},
    {"UnknownField", R"({"egdes":[]})", false},
    {"UnknownFieldOfFunction", one(R"("allowself":true)"), false},
    {"Split", one(R"("split":{"a":1})"), false},
    {"Limits", one(R"("limits":{})"), false},

    {"ServiceRef", one(R"("serviceRef":{"name":"x","port":"http"})"), true},
    {"ServiceRefEmpty", one(R"("serviceRef":{})"), true},
    {"ServiceRefPortNumber", one(R"("serviceRef":{"port":80})"), false},
    {"ServiceRefPortName", one(R"("serviceRef":{"port":"80"})"), true},
    {"ServiceRefText", one(R"("serviceRef":"x")"), false},
    {"ServiceRefUnknown", one(R"("serviceRef":{"namespace":"x"})"), false},
    {"ServiceRefUpperCase", one(R"("serviceRef":{"name":"X"})"), false},

    {"Ingress", one(R"("exposure":"Ingress")"), true},
    {"Internal", one(R"("exposure":"Internal")"), true},
    {"ExposureElse", one(R"("exposure":"ingress")"), false},
    {"ExposureEmptyText", one(R"("exposure":"")"), false},
    {"ExposureMap", one(R"("exposure":{"type":"Ingress"})"), true},
    {"ExposureMapFrom", one(R"("exposure":{"from":[{"namespace":"x","name":"y"}]})"), true},
    {"ExposureMapBoth",
     one(R"("exposure":{"type":"Internal","from":[{"namespace":"x","name":"y"}]})"), true},
    {"ExposureMapEmpty", one(R"("exposure":{})"), true},
    {"ExposureMapElse", one(R"("exposure":{"type":"Public"})"), false},
    {"ExposureMapUnknown", one(R"("exposure":{"kind":"Ingress"})"), false},
    {"ExposureMapUnknownToo", one(R"("exposure":{"type":"Ingress","x":1})"), false},
    {"ExposureNumber", one(R"("exposure":1)"), false},
    {"ExposureBool", one(R"("exposure":true)"), false},
    {"ExposureList", one(R"("exposure":["Ingress"])"), false},
    {"FromTwice",
     one(R"("exposure":{"from":[{"namespace":"x","name":"y"},{"namespace":"x","name":"y"}]})"),
     false},
    {"FromNoNamespace", one(R"("exposure":{"from":[{"name":"y"}]})"), false},
    {"FromUnknown", one(R"("exposure":{"from":[{"namespace":"x","name":"y","z":1}]})"), false},
    {"FromText", one(R"("exposure":{"from":["x/y"]})"), false},
    {"FromMany",
     one(R"("exposure":{"from":[)" +
         repeated(65, [](int i) { return fmt::format(R"({{"namespace":"x","name":"f{}"}})", i); }) +
         "]}"),
     false},
    {"FromSameNamespace", one(R"("exposure":{"from":[{"namespace":"default","name":"y"}]})"), false,
     true},

    {"AllowSelf", one(R"("allowSelf":true)"), true},
    {"AllowSelfText", one(R"("allowSelf":"yes")"), false},
    {"OpenPorts", one(R"("openPorts":[9102,{"port":53,"protocol":"UDP"},{"port":1}])"), true},
    {"OpenPortZero", one(R"("openPorts":[0])"), false},
    {"OpenPortLarge", one(R"("openPorts":[65536])"), false},
    {"OpenPortFraction", one(R"("openPorts":[80.5])"), false},
    {"OpenPortText", one(R"("openPorts":["http"])"), false},
    {"OpenPortBool", one(R"("openPorts":[true])"), false},
    {"OpenPortList", one(R"("openPorts":[[80]])"), false},
    {"OpenPortNoNumber", one(R"("openPorts":[{"protocol":"TCP"}])"), false},
    {"OpenPortMapEmpty", one(R"("openPorts":[{}])"), false},
    {"OpenPortSctp", one(R"("openPorts":[{"port":1,"protocol":"SCTP"}])"), false},
    {"OpenPortUnknown", one(R"("openPorts":[{"port":1,"name":"x"}])"), false},
    {"OpenPortTwice", one(R"("openPorts":[80,80])"), false, true},
    {"OpenPortsMany",
     one(R"("openPorts":[)" + repeated(65, [](int i) { return std::to_string(i + 1); }) + "]"),
     false},

    {"Direct", one(R"("scaleFromZero":"Direct")"), true},
    {"ScaleMap", one(R"("scaleFromZero":{"mode":"Metrics"})"), true},
    {"ScaleElse", one(R"("scaleFromZero":"Always")"), false},
    {"ScaleMapEmpty", one(R"("scaleFromZero":{})"), false},
    {"ScaleMapElse", one(R"("scaleFromZero":{"mode":"direct"})"), false},
    {"ScaleMapUnknown", one(R"("scaleFromZero":{"mode":"Direct","x":1})"), false},
    {"ScaleBool", one(R"("scaleFromZero":true)"), false},
    {"ScaleNumber", one(R"("scaleFromZero":0)"), false},

    {"Edge", two(R"({"from":"a","to":"b"})"), true},
    {"EdgeTwice", two(R"({"from":"a","to":"b"},{"from":"a","to":"b"})"), false},
    {"EdgeBothWays", two(R"({"from":"a","to":"b"},{"from":"b","to":"a"})"), false, true},
    {"EdgeToItself", two(R"({"from":"a","to":"a"})"), false},
    {"EdgeToNobody", two(R"({"from":"a","to":"x"})"), false, true},
    {"EdgeHalf", two(R"({"from":"a"})"), false},
    {"EdgeUnknown", two(R"({"from":"a","to":"b","port":1})"), false},
    {"EdgeText", two(R"("a->b")"), false},
    {"ManyEdges",
     R"({"functions":[)" + functions(64) + R"(],"edges":[)" +
         repeated(256,
                  [](int i) {
                      return fmt::format(R"({{"from":"f{}","to":"f{}"}})", i / 16, 16 + (i % 48));
                  }) +
         "]}",
     true},
    {"TooManyEdges",
     R"({"functions":[)" + functions(64) + R"(],"edges":[)" +
         repeated(257,
                  [](int i) {
                      return fmt::format(R"({{"from":"f{}","to":"f{}"}})", i / 17, 20 + (i % 17));
                  }) +
         "]}",
     false},

    {"Entry", entry(R"({"matchLabels":{"app":"gw"}})"), true},
    {"EntryLabels",
     entry(R"({"matchLabels":{"a.example.com/b_c":"V.1","app.kubernetes.io/name":""}})"), true},
    {"EntryNoLabels", entry(R"({"matchLabels":{}})"), false},
    {"EntryNoSelector", R"({"entries":[{"name":"gw"}]})", false},
    {"EntryEmptySelector", entry("{}"), false},
    {"EntryLabelKey", entry(R"({"matchLabels":{"-app":"gw"}})"), false},
    {"EntryLabelKeyPrefix", entry(R"({"matchLabels":{"A.b/c":"gw"}})"), false},
    {"EntryLabelKeyTwoSlashes", entry(R"({"matchLabels":{"a/b/c":"gw"}})"), false},
    {"EntryLabelKeyLong", entry(R"({"matchLabels":{")" + kLong64 + R"(":"gw"}})"), false},
    {"EntryLabelValue", entry(R"({"matchLabels":{"app":"a b"}})"), false},
    {"EntryLabelValueLong", entry(R"({"matchLabels":{"app":")" + kLong64 + R"("}})"), false},
    {"EntryLabelNumber", entry(R"({"matchLabels":{"app":1}})"), false},
    {"EntryExpressions",
     entry(R"({"matchLabels":{"app":"gw"},"matchExpressions":[{"key":"a","operator":"Exists"}]})"),
     false},
    {"EntryUnknown", entry(R"({"matchLabels":{"app":"gw"},"matchFields":{}})"), false},
    {"EntryTwice",
     R"({"entries":[{"name":"gw","selector":{"matchLabels":{"a":"b"}}},
                        {"name":"gw","selector":{"matchLabels":{"a":"b"}}}]})",
     false},
    {"EntryIsFunction",
     R"({"functions":[{"name":"gw"}],"entries":[{"name":"gw","selector":{"matchLabels":{"a":"b"}}}]})",
     false},

    {"Audit", R"({"enforcement":"Audit"})", true},
    {"Disabled", R"({"enforcement":"Disabled"})", true},
    {"EnforcementElse", R"({"enforcement":"enforce"})", false},
    {"FastPathOff", R"({"fastPath":"off"})", true},
    {"FastPathFalse", R"({"fastPath":false})", false},
    {"FastPathElse", R"({"fastPath":"on"})", false},
};

std::string object(const std::string& spec) {
    return R"({"apiVersion":"directfaas.io/v1alpha1","kind":"FunctionChain","metadata":{"name":"c","namespace":"default"},"spec":)" +
           spec + "}";
}

/// Empty if it is accepted.
std::string refusal_of_model(const std::string& text) {
    auto decoded = manifest::decode("chain", text);
    for (const auto& problem : decoded.problems) {
        if (problem.severity == model::Problem::Severity::kError) {
            return problem.text();
        }
    }
    model::Model model(model::NodeSettings{});
    const auto taken = model.replace("chain", std::move(decoded.objects));
    return taken ? "" : taken.error().front().text();
}

std::string refusal_of_server(kube::Client& client, const std::string& text) {
    const auto answer =
        client.create(std::string(kChains) + "?dryRun=All&fieldValidation=Strict", text);
    return answer ? "" : answer.error().text();
}

TEST(Crd, TheServerAndTheModelGiveTheSameVerdicts) {
    const auto client = apiserver().client();
    for (const auto& tested : kCases) {
        const auto by_model = refusal_of_model(object(tested.spec));
        const auto by_server = refusal_of_server(*client, object(tested.spec));
        EXPECT_EQ(by_model.empty(), tested.good) << tested.name << ", the model: " << by_model;
        EXPECT_EQ(by_server.empty(), tested.good || tested.beyond_schema)
            << tested.name << ", the server: " << by_server;
    }
}

TEST(Crd, RefusalsSayWhatToDo) {
    const auto client = apiserver().client();
    EXPECT_THAT(refusal_of_server(*client, object(two(R"({"from":"a","to":"a"})"))),
                HasSubstr("set allowSelf: true on it instead"));
    EXPECT_THAT(refusal_of_server(*client, object(one(R"("split":{})"))),
                HasSubstr("split is not supported yet"));
    EXPECT_THAT(refusal_of_server(*client, object(R"({"egdes":[]})")),
                HasSubstr(R"(unknown field "spec.egdes")"));
}

/// Both forms of a field that has two, by server-side apply, which needs to know each field's type.
TEST(Crd, ServerSideApplyKnowsEveryForm) {
    const auto client = apiserver().client();
    const std::vector<std::string> specs{
        one(R"("exposure":"Ingress","openPorts":[80],"scaleFromZero":"Direct")"),
        one(R"("exposure":{"type":"Ingress","from":[{"namespace":"x","name":"y"}]},"openPorts":[{"port":80}],"scaleFromZero":{"mode":"Direct"})"),
        one(R"("exposure":"Internal")")};
    for (const auto& spec : specs) {
        const auto answer = client->apply(std::string(kChains) + "/c", "user", object(spec));
        ASSERT_TRUE(answer) << spec << ": " << answer.error().text();
        auto expected = Json::parse(spec);
        expected["enforcement"] = "Enforce";
        expected["fastPath"] = "auto";
        EXPECT_EQ(Json::parse(*answer)["spec"], expected);
    }
    apiserver().remove(std::string(kChains) + "/c");
}

TEST(Crd, ExplainReadsWell) {
    const auto edges = apiserver().kubectl({"explain", "fchain.spec.edges"});
    EXPECT_THAT(edges, HasSubstr("The allowed calls: each edge says that one function may call"));
    EXPECT_THAT(edges, HasSubstr("The caller, a function."));
    const auto exposure = apiserver().kubectl({"explain", "fchain.spec.functions.exposure"});
    EXPECT_THAT(exposure, HasSubstr("entries and ordinary pods may call the function"));
}

}  // namespace
}  // namespace directfaas::test
