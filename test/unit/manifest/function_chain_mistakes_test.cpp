// SPDX-License-Identifier: Apache-2.0
// Every mistake in a FunctionChain that its decoder finds, with its exact message.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "test/unit/manifest/decoding.h"

namespace directfaas::manifest {
namespace {

using testing::ElementsAre;

std::string with_function(std::string_view function) {
    return chain_with_spec(fmt::format("  functions:\n  - name: reviews\n    {}", function));
}

struct Mistake {
    std::string name;
    std::string text;
    std::string problem;
};

void PrintTo(const Mistake& tested, std::ostream* out) { *out << tested.name; }

class FunctionChainMistake : public testing::TestWithParam<Mistake> {};

TEST_P(FunctionChainMistake, IsNamed) {
    EXPECT_THAT(problems_of(GetParam().text), ElementsAre(GetParam().problem));
}

const Mistake kSpecMistakes[] = {
    {"UnknownFieldNear", chain_with_spec("  egdes: []"),
     chain_error(6, "spec.egdes is not a known field. Did you mean edges?")},
    {"UnknownFieldFar", chain_with_spec("  colour: red"),
     chain_error(6,
                 "spec.colour is not a known field. Known here: functions, edges, entries, "
                 "enforcement, fastPath")},
    {"FieldOneLevelTooHigh", chain_with_spec("  scaleFromZero: Direct"),
     chain_error(6,
                 "spec.scaleFromZero is not a known field. It belongs to an entry of "
                 "spec.functions")},
    {"WrongTypeOfList", chain_with_spec("  functions: {name: reviews}"),
     chain_error(6, "spec.functions must be a list, found a map. Begin each entry with \"- \"")},
    {"WrongTypeOfItem", chain_with_spec("  functions:\n  - reviews"),
     chain_error(
         7,
         "spec.functions[0] must be a map, found the text \"reviews\". Write \"key: value\" "
         "lines below it")},
    {"EmptyItem", chain_with_spec("  functions:\n  -"),
     chain_error(7,
                 "spec.functions[0] must be a map, found nothing. Write \"key: value\" lines below "
                 "it")},
    {"EnforcementCase", chain_with_spec("  enforcement: enforce"),
     chain_error(6,
                 "spec.enforcement is \"enforce\", allowed: Enforce, Audit, Disabled. Did you mean "
                 "Enforce?")},
    {"EnforcementUnknown", chain_with_spec("  enforcement: strict"),
     chain_error(6,
                 "spec.enforcement is \"strict\", allowed: Enforce, Audit, Disabled. Write one of "
                 "these")},
    {"EnforcementBoolean", chain_with_spec("  enforcement: true"),
     chain_error(6,
                 "spec.enforcement must be text, found the boolean true. Put it in quotes: "
                 "\"true\"")},
    {"FastPath", chain_with_spec("  fastPath: fast"),
     chain_error(6, "spec.fastPath is \"fast\", allowed: auto, off. Write one of these")},
    {"FastPathBoolean", chain_with_spec("  fastPath: false"),
     chain_error(6,
                 "spec.fastPath must be text, found the boolean false. Put it in quotes: "
                 "\"false\"")},
    {"EdgeWithoutEnd", chain_with_spec("  edges:\n  - {from: a}"),
     chain_error(7, "spec.edges[0].to is missing. Add a line \"to: ...\"")},
    {"EdgeUnknownField", chain_with_spec("  edges:\n  - {from: a, to: b, form: c}"),
     chain_error(7, "spec.edges[0].form is not a known field. Did you mean from?")},
    {"EdgeNumber", chain_with_spec("  edges:\n  - from: a\n    to: 5"),
     chain_error(8, "spec.edges[0].to must be text, found the number 5. Put it in quotes: \"5\"")},
    {"EdgeBadName", chain_with_spec("  edges:\n  - {from: a, to: shop/b}"),
     chain_error(
         7,
         "spec.edges[0].to is \"shop/b\", which is not a valid name. Use at most 63 of a-z, "
         "0-9 and \"-\", with a letter or digit at both ends")},
    {"EntryWithoutSelector", chain_with_spec("  entries:\n  - name: gateway"),
     chain_error(
         7, "spec.entries[0].selector is missing. Add \"selector: {matchLabels: {app: ...}}\"")},
    {"EntryExpressions",
     chain_with_spec("  entries:\n  - name: gateway\n    selector:\n      matchLabels: {app: g}\n"
                     "      matchExpressions: []"),
     chain_error(10,
                 "spec.entries[0].selector.matchExpressions is not supported yet. Use "
                 "matchLabels")},
    {"EntryBadLabel",
     chain_with_spec("  entries:\n  - {name: g, selector: {matchLabels: {app: \"a b\"}}}"),
     chain_error(
         7,
         "spec.entries[0].selector.matchLabels.app is not a valid label. Use at most 63 "
         "letters, digits, \"-\", \"_\" and \".\" in name and value, with a letter or digit "
         "at both ends")},
    {"EntryLabelNumber",
     chain_with_spec("  entries:\n  - {name: g, selector: {matchLabels: {version: 1.10}}}"),
     chain_error(
         7,
         "spec.entries[0].selector.matchLabels.version must be text, found the number 1.10. "
         "Put it in quotes: \"1.10\"")},
};

const Mistake kFunctionMistakes[] = {
    {"WithoutName", chain_with_spec("  functions:\n  - exposure: Ingress"),
     chain_error(7, "spec.functions[0].name is missing. Add a line \"name: ...\"")},
    {"NameBoolean", chain_with_spec("  functions:\n  - name: on"),
     chain_error(7,
                 "spec.functions[0].name must be text, found the boolean on. Put it in quotes: "
                 "\"on\"")},
    {"NameUpperCase", chain_with_spec("  functions:\n  - name: Reviews"),
     chain_error(7,
                 "spec.functions[0].name is \"Reviews\", which is not a valid name. Use at most 63 "
                 "of a-z, 0-9 and \"-\", with a letter or digit at both ends")},
    {"UnknownField", with_function("allowself: true"),
     chain_error(8, "spec.functions[0].allowself is not a known field. Did you mean allowSelf?")},
    {"Split", with_function("split: []"),
     chain_error(8,
                 "spec.functions[0].split is not supported yet. Remove it; instances are chosen "
                 "evenly")},
    {"Limits", with_function("limits:"),
     chain_error(8,
                 "spec.functions[0].limits is not supported yet. Remove it; there is no limit per "
                 "function")},
    {"AllowSelfText", with_function("allowSelf: \"true\""),
     chain_error(
         8,
         "spec.functions[0].allowSelf must be true or false, found the text \"true\". Write "
         "true or false")},
    {"ExposureUnknown", with_function("exposure: Public"),
     chain_error(
         8,
         "spec.functions[0].exposure is \"Public\", allowed: Ingress, Internal. Write one of "
         "these")},
    {"ExposureList", with_function("exposure: [Ingress]"),
     chain_error(
         8,
         "spec.functions[0].exposure must be Ingress, Internal or a map with type and from, "
         "found a list. Write Ingress, Internal or a map with type and from")},
    {"ExposureTypeUnknown", with_function("exposure: {type: ingress}"),
     chain_error(8,
                 "spec.functions[0].exposure.type is \"ingress\", allowed: Ingress, Internal. Did "
                 "you mean Ingress?")},
    {"FromWithoutNamespace", with_function("exposure: {from: [{name: probe}]}"),
     chain_error(8,
                 "spec.functions[0].exposure.from[0].namespace is missing. Add a line \"namespace: "
                 "...\"")},
    {"FromTwice",
     with_function("exposure: {from: [{namespace: ops, name: p}, {namespace: ops, name: p}]}"),
     chain_error(8, "spec.functions[0].exposure.from[1] names ops/p a second time. Remove one")},
    {"ServiceRefText", with_function("serviceRef: reviews"),
     chain_error(8,
                 "spec.functions[0].serviceRef must be a map, found the text \"reviews\". Write "
                 "\"key: value\" lines below it")},
    {"ServiceRefPortNumber", with_function("serviceRef: {port: 9080}"),
     chain_error(8,
                 "spec.functions[0].serviceRef.port is a number; it must be the name of a port of "
                 "the Service. Name the port in the Service and use that name")},
    {"OpenPortZero", with_function("openPorts: [0]"),
     chain_error(8,
                 "spec.functions[0].openPorts[0] must be a port number from 1 to 65535, found the "
                 "number 0. Write a port number from 1 to 65535")},
    {"OpenPortTooLarge", with_function("openPorts: [{port: 65536}]"),
     chain_error(8,
                 "spec.functions[0].openPorts[0].port must be a port number from 1 to 65535, found "
                 "the number 65536. Write a port number from 1 to 65535")},
    {"OpenPortQuoted", with_function("openPorts: [\"80\"]"),
     chain_error(8,
                 "spec.functions[0].openPorts[0] must be a port number from 1 to 65535, found the "
                 "text \"80\". Write a port number from 1 to 65535")},
    {"OpenPortProtocol", with_function("openPorts: [{port: 80, protocol: SCTP}]"),
     chain_error(
         8,
         "spec.functions[0].openPorts[0].protocol is \"SCTP\", allowed: TCP, UDP. Write one "
         "of these")},
    {"OpenPortTwice", with_function("openPorts: [80, {port: 80, protocol: TCP}]"),
     chain_error(8, "spec.functions[0].openPorts[1] is port 80/TCP a second time. Remove one")},
    {"ScaleModeUnknown", with_function("scaleFromZero: {mode: direct}"),
     chain_error(8,
                 "spec.functions[0].scaleFromZero.mode is \"direct\", allowed: Direct, Metrics, "
                 "Disabled. Did you mean Direct?")},
    {"ScaleModeMissing", with_function("scaleFromZero: {}"),
     chain_error(8,
                 "spec.functions[0].scaleFromZero.mode is missing. Write Direct, Metrics or "
                 "Disabled")},
};

const Mistake kObjectMistakes[] = {
    {"WithoutSpec",
     "apiVersion: directfaas.io/v1alpha1\nkind: FunctionChain\nmetadata: {name: c}\n",
     "f.yaml:1: error: FunctionChain default/c: spec is missing. Add \"spec:\" with functions and "
     "edges"},
    {"WithoutMetadata", "apiVersion: directfaas.io/v1alpha1\nkind: FunctionChain\nspec: {}\n",
     "f.yaml:1: error: FunctionChain (document 1): metadata is missing. Add \"metadata:\" with a "
     "name"},
    {"WithoutName",
     "apiVersion: directfaas.io/v1alpha1\nkind: FunctionChain\nmetadata: {labels: {}}\nspec: {}\n",
     "f.yaml:3: error: FunctionChain (document 1): metadata.name is missing. Name the object"},
    {"MisspelledNamespace",
     "apiVersion: directfaas.io/v1alpha1\nkind: FunctionChain\nmetadata:\n  name: c\n"
     "  namspace: shop\nspec: {}\n",
     "f.yaml:5: error: FunctionChain default/c: metadata.namspace is not a known field. Did you "
     "mean namespace?"},
    {"BadNamespace",
     "apiVersion: directfaas.io/v1alpha1\nkind: FunctionChain\nmetadata: {name: c, namespace: "
     "my_shop}\nspec: {}\n",
     "f.yaml:3: error: FunctionChain my_shop/c: metadata.namespace is \"my_shop\", which is not a "
     "valid name. Use at most 63 of a-z, 0-9 and \"-\", with a letter or digit at both ends"},
    {"BadName",
     "apiVersion: directfaas.io/v1alpha1\nkind: FunctionChain\nmetadata: {name: a..b}\nspec: {}\n",
     "f.yaml:3: error: FunctionChain default/a..b: metadata.name is \"a..b\", which is not a valid "
     "name. Use at most 253 of a-z, 0-9, \"-\" and \".\", with a letter or digit at both ends of "
     "each part"},
    {"UnknownAtTop",
     "apiVersion: directfaas.io/v1alpha1\nkind: FunctionChain\nmetadata: {name: c}\nspecs: {}\n"
     "spec: {}\n",
     "f.yaml:4: error: FunctionChain default/c: specs is not a known field. Did you mean spec?"},
};

std::string chain_mistake(const testing::TestParamInfo<Mistake>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Spec, FunctionChainMistake, testing::ValuesIn(kSpecMistakes),
                         chain_mistake);
INSTANTIATE_TEST_SUITE_P(Function, FunctionChainMistake, testing::ValuesIn(kFunctionMistakes),
                         chain_mistake);
INSTANTIATE_TEST_SUITE_P(Object, FunctionChainMistake, testing::ValuesIn(kObjectMistakes),
                         chain_mistake);

}  // namespace
}  // namespace directfaas::manifest
