// SPDX-License-Identifier: Apache-2.0
// Several objects in one text, lists, and objects that are not ours.
#include <gmock/gmock.h>

#include "test/unit/manifest/decoding.h"

namespace directfaas::manifest {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> names_of(std::string_view text) {
    std::vector<std::string> names;
    for (const auto& object : objects_of(text)) {
        std::visit([&](const auto& o) { names.push_back(o.name.text()); }, object);
    }
    return names;
}

TEST(Documents, AreReadInOrderAndEmptyOnesSkipped) {
    EXPECT_THAT(names_of("---\n# nothing\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
                         "---\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: b}\n---\n"),
                ElementsAre("default/a", "default/b"));
}

TEST(Documents, LinesCountThroughTheFile) {
    const auto objects = objects_of(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n\napiVersion: v1\nkind: Pod\n"
        "metadata: {name: b}\n");
    ASSERT_EQ(objects.size(), 2U);
    EXPECT_EQ(std::get<model::Pod>(objects[1]).where.line, 6);
}

TEST(Documents, ErrorInTheThirdObject) {
    EXPECT_THAT(problems_of("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n"
                            "apiVersion: v1\nkind: Pod\nmetadata: {name: b}\n---\n"
                            "apiVersion: directfaas.io/v1alpha1\nkind: FunctionChain\n"
                            "metadata: {name: c}\nspec:\n  edge: []\n"),
                ElementsAre("f.yaml:13: error: FunctionChain default/c: spec.edge is not a known "
                            "field. Did you mean edges?"));
}

TEST(Documents, ListsOfKubectl) {
    EXPECT_THAT(names_of(R"({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}},
        {"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b"}}]}]})"),
                ElementsAre("shop/a", "default/b"));
    EXPECT_THAT(names_of("apiVersion: v1\nkind: List\nitems: []\n"), IsEmpty());
}

TEST(Documents, TypedListsOfTheApi) {
    EXPECT_THAT(names_of("apiVersion: v1\nkind: PodList\nmetadata: {resourceVersion: \"5\"}\n"
                         "items:\n- metadata: {name: a}\n- metadata: {name: b}\n"),
                ElementsAre("default/a", "default/b"));
    EXPECT_THAT(names_of("apiVersion: directfaas.io/v1alpha1\nkind: FunctionChainList\nitems:\n"
                         "- metadata: {name: c}\n  spec: {}\n"),
                ElementsAre("default/c"));
}

TEST(Documents, MistakeInAList) {
    EXPECT_THAT(problems_of("apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n  apiVersion: v1\n"
                            "  metadata: {name: a}\n- kind: Pod\n  apiVersion: v1\n"
                            "  metadata: {}\n- x\n"),
                ElementsAre("f.yaml:9: error: Pod (document 1, item 2): metadata.name is missing. "
                            "Name the object",
                            "f.yaml:10: error: document 1, item 3: not an object. Write "
                            "apiVersion, kind and metadata at the top; begin each object with a "
                            "line \"---\""));
}

TEST(Documents, WithoutType) {
    EXPECT_THAT(problems_of("kind: Pod\n"),
                ElementsAre("f.yaml:1: error: Pod (document 1): apiVersion is missing. Every "
                            "object needs apiVersion and kind"));
    EXPECT_THAT(problems_of("apiVersion: v1\n"),
                ElementsAre("f.yaml:1: error: document 1: kind is missing. Every object needs "
                            "apiVersion and kind"));
    EXPECT_THAT(problems_of("just text\n"),
                ElementsAre("f.yaml:1: error: document 1: not an object. Write apiVersion, kind "
                            "and metadata at the top; begin each object with a line \"---\""));
}

TEST(Documents, MisspelledTypesAreNotIgnored) {
    EXPECT_THAT(problems_of("apiVersion: directfaas.io/v1alpha1\nkind: FunctionChian\n"),
                ElementsAre("f.yaml:2: error: FunctionChian (document 1): kind FunctionChian is "
                            "not known. Did you mean FunctionChain?"));
    EXPECT_THAT(problems_of("apiVersion: v1\nkind: Endpointslice\n"),
                ElementsAre("f.yaml:2: error: Endpointslice (document 1): kind Endpointslice is "
                            "not known. Did you mean EndpointSlice?"));
    EXPECT_THAT(problems_of("apiVersion: v1\nkind: service\n"),
                ElementsAre("f.yaml:2: error: service (document 1): kind service is not known. Did "
                            "you mean Service?"));
    EXPECT_THAT(problems_of("apiVersion: directfaas.io/v1alpha1\nkind: Policy\n"),
                ElementsAre("f.yaml:2: error: Policy (document 1): kind Policy is not known in "
                            "directfaas.io. Write kind: FunctionChain"));
    EXPECT_THAT(problems_of("apiVersion: directfass.io/v1alpha1\nkind: FunctionChain\n"),
                ElementsAre("f.yaml:2: error: FunctionChain (document 1): apiVersion of "
                            "FunctionChain is not supported. Write apiVersion: "
                            "directfaas.io/v1alpha1"));
    EXPECT_THAT(problems_of("apiVersion: discovery.k8s.io/v1beta1\nkind: EndpointSlice\n"),
                ElementsAre("f.yaml:2: error: EndpointSlice (document 1): apiVersion of "
                            "EndpointSlice is not supported. Write apiVersion: "
                            "discovery.k8s.io/v1"));
}

TEST(Documents, OtherKindsAreIgnoredWithAWarning) {
    for (const std::string_view text :
         {"apiVersion: apps/v1\nkind: Deployment\n", "apiVersion: v1\nkind: Secret\n",
          "apiVersion: v1\nkind: Namespace\n", "apiVersion: v1\nkind: Node\n",
          "apiVersion: serving.knative.dev/v1\nkind: Service\n",
          "apiVersion: apps/v1\nkind: DeploymentList\n", "apiVersion: v1\nkind: Endpoints\n"}) {
        const auto decoded = decode("f.yaml", text);
        EXPECT_TRUE(decoded.ok()) << text;
        ASSERT_EQ(decoded.problems.size(), 1U) << text;
        EXPECT_THAT(decoded.problems[0].text(),
                    testing::HasSubstr("is ignored. DirectFaaS reads FunctionChain, Service, "
                                       "EndpointSlice, Pod and NetworkPolicy"));
    }
}

TEST(Documents, NothingAtAll) {
    for (const std::string_view text : {"", "\n", "# comment\n", "---\n"}) {
        EXPECT_THAT(problems_of(text), ElementsAre("f.yaml: warning: the file holds no object. "
                                                   "Remove it if it is not needed"));
    }
}

}  // namespace
}  // namespace directfaas::manifest
