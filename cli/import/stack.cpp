// SPDX-License-Identifier: Apache-2.0
#include "cli/import/stack.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "lib/manifest/fields.h"
#include "lib/manifest/names.h"
#include "lib/manifest/openfaas.h"
#include "lib/manifest/read.h"

namespace directfaas::cli {
namespace {

using manifest::Node;
using manifest::Report;

constexpr std::string_view kIdle = "com.openfaas.scale.zero";
constexpr std::string_view kOurs = "directfaas.io/";
constexpr std::array<std::string_view, 3> kAnnotations{
    manifest::kInvokesAnnotation, manifest::kExposureAnnotation, manifest::kScaleAnnotation};
constexpr std::array<std::string_view, 4> kOfFile{"version", "provider", "functions",
                                                  "configuration"};

/// Calls `visit` with each member of map `key`, if there is one.
template <typename Visit>
void each_member(const Node& map, std::string_view key, Report& report, Visit visit) {
    const Node* members = manifest::map_member(map, key, report);
    for (const Node* member = members == nullptr ? nullptr : members->first; member != nullptr;
         member = member->next) {
        visit(*member);
    }
}

/// Reads one function. What is wrong is reported; a function comes out in any case.
class FunctionReader {
   public:
    FunctionReader(const Node& node, StackFunction& function, Report& report)
        : node_(node), function_(function), report_(report) {}

    void read() {
        if (const auto name = manifest::text_member(node_, "namespace", report_)) {
            if (manifest::is_dns_label(*name)) {
                function_.name_space = *name;
            } else {
                report_.error(node_.find("namespace")->where(),
                              "its namespace is not a valid name; the default is taken",
                              "At most 63 of a-z, 0-9 and -");
            }
        }
        const Node* annotations = node_.find("annotations");
        scale_is_said_ = annotations != nullptr && annotations->find(manifest::kScaleAnnotation);
        each_member(node_, "annotations", report_, [this](const Node& node) { annotation(node); });
        each_member(node_, "labels", report_, [this](const Node& node) { idle(node); });
        each_member(node_, "environment", report_, [this](const Node& node) { variable(node); });
        if (const Node* files = node_.find("environment_file"); files != nullptr) {
            report_.warning(files->where(), "environment_file is not read",
                            "If one of its variables holds the URL of a function, that is a call: "
                            "name the function in directfaas.io/invokes");
        }
    }

   private:
    void annotation(const Node& node) {
        if (node.key == kIdle) {
            idle(node);
        } else if (node.key == manifest::kInvokesAnnotation) {
            invokes(node);
        } else if (node.key == manifest::kExposureAnnotation) {
            static constexpr std::array<manifest::Choice<bool>, 2> kChoices{
                {{"Ingress", true}, {"Internal", false}}};
            function_.ingress = manifest::as_choice(node, kChoices, report_).value_or(true);
        } else if (node.key == manifest::kScaleAnnotation) {
            static constexpr std::array<manifest::Choice<const char*>, 3> kChoices{
                {{"Direct", "Direct"}, {"Metrics", "Metrics"}, {"Disabled", ""}}};
            function_.scale_from_zero = manifest::as_choice(node, kChoices, report_).value_or("");
        } else if (node.key.starts_with(kOurs)) {
            report_.error(node.where(), fmt::format("annotation {} is not known", node.key),
                          fmt::format("Known: {}", fmt::join(kAnnotations, ", ")));
        }
    }

    void invokes(const Node& node) {
        const auto text = manifest::as_text(node, report_).value_or("");
        for (const auto name : manifest::parts_between_commas(text)) {
            if (manifest::is_dns_label(name)) {
                function_.calls.push_back({std::string(name), node.where(), "", false});
            } else {
                report_.error(node.where(),
                              fmt::format("annotation {} names \"{}\", which is not a valid name",
                                          node.key, name),
                              "Write names of functions with commas between: \"b,c\"");
            }
        }
    }

    void idle(const Node& node) {
        if (node.key != kIdle || node.text != "true" || scale_is_said_) {
            return;
        }
        function_.scale_from_zero = "Direct";
        report_.warning(
            node.where(),
            fmt::format("{} becomes scaleFromZero: Direct: calls that find no instance are held",
                        kIdle),
            "OpenFaaS takes a function for idle that is called past its gateway: let the scaler "
            "look at directfaas_connections_total, too");
    }

    void variable(const Node& node) {
        for (auto& named : functions_in_url(node.text)) {
            const bool elsewhere =
                !named.name_space.empty() && named.name_space != function_.name_space;
            if (!elsewhere && named.name != function_.name) {
                function_.calls.push_back(
                    {std::move(named.name), node.where(), std::string(node.key), named.by_gateway});
            }
        }
    }

    const Node& node_;
    StackFunction& function_;
    Report& report_;
    bool scale_is_said_ = false;
};

bool is_listed(const Stack& stack, const StackFunction& function) {
    return std::ranges::any_of(stack.functions, [&](const StackFunction& other) {
        return other.name == function.name && other.name_space == function.name_space;
    });
}

void read_function(const Node& root, const Node& node, const std::string& name_space,
                   Report& report, Stack& stack) {
    StackFunction function;
    function.name = node.key;
    function.name_space = name_space;
    function.where = report.at(node.where());
    report.begin_object(&root, "function " + function.name);
    if (!manifest::is_dns_label(node.key)) {
        report.error(node.where(), "the function is left out: its name is not valid in Kubernetes",
                     "At most 63 of a-z, 0-9 and -, a letter or digit at both ends");
        return;
    }
    if (node.kind != manifest::NodeKind::kMap) {
        manifest::wrong_type(node, "a map", report);
        return;
    }
    FunctionReader(node, function, report).read();
    if (is_listed(stack, function)) {
        report.error(node.where(), "the function is left out: it is listed a second time",
                     "Remove one");
        return;
    }
    stack.functions.push_back(std::move(function));
}

void read_document(const Node& root, const std::string& name_space, Report& report, Stack& stack) {
    report.begin_object(&root, "");
    const Node* functions =
        root.kind == manifest::NodeKind::kMap ? root.find("functions") : nullptr;
    if (functions == nullptr || functions->kind != manifest::NodeKind::kMap) {
        report.error(root.where(), "this is no stack file of OpenFaaS: it has no map `functions`",
                     "Name the file that faas-cli deploys, stack.yml for instance");
        return;
    }
    manifest::refuse_unknown(root, kOfFile, report);
    for (const Node* node = functions->first; node != nullptr; node = node->next) {
        read_function(root, *node, name_space, report, stack);
    }
}

}  // namespace

void read_stack(const std::string& file, std::string_view text, const std::string& name_space,
                Stack& stack) {
    Report report(file);
    const auto content = manifest::read(text);
    for (const Node* root : content.tree.documents()) {
        read_document(*root, name_space, report, stack);
    }
    if (content.error) {
        report.begin_object(nullptr, "");
        report.error(content.error->line, content.error->message, content.error->advice);
    } else if (content.tree.documents().empty()) {
        report.error(0, "the file is empty", "Name the file that faas-cli deploys");
    }
    std::ranges::move(report.take(), std::back_inserter(stack.problems));
}

}  // namespace directfaas::cli
