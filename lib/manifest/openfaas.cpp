// SPDX-License-Identifier: Apache-2.0
#include "lib/manifest/openfaas.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "lib/manifest/fields.h"
#include "lib/manifest/names.h"

namespace directfaas::manifest {
namespace {

constexpr std::string_view kLabel = "faas_function";
constexpr std::size_t kMaxCallees = 64;
// No chain of a user can have such a name.
constexpr std::string_view kPrefix = "openfaas:";
constexpr std::string_view kEdgesSuffix = ":invokes";

constexpr std::array<Choice<bool>, 2> kExposures{{{"Ingress", true}, {"Internal", false}}};
constexpr std::array<Choice<model::ScaleFromZero>, 3> kScaleModes{
    {{"Direct", model::ScaleFromZero::kDirect},
     {"Metrics", model::ScaleFromZero::kMetrics},
     {"Disabled", model::ScaleFromZero::kDisabled}}};

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n";
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

class Annotated {
   public:
    Annotated(const model::Service& service, const Node& annotations, Report& report)
        : service_(service), annotations_(annotations), report_(report) {}

    std::vector<model::Object> chains(const Node& invokes) {
        const auto before = report_.errors();
        const auto callees = read_callees(invokes);
        std::vector<model::Object> chains{function()};
        if (!callees.empty()) {
            auto edges = chain(fmt::format("{}{}{}", kPrefix, service_.name.name, kEdgesSuffix));
            for (const auto& callee : callees) {
                edges.edges.push_back({service_.name.name, callee, report_.at(invokes.where())});
            }
            chains.emplace_back(std::move(edges));
        }
        if (report_.errors() > before) {
            chains.clear();
        }
        return chains;
    }

   private:
    [[nodiscard]] model::FunctionChain chain(std::string name) const {
        model::FunctionChain chain;
        chain.name = {service_.name.ns, std::move(name)};
        chain.where = service_.where;
        return chain;
    }

    model::FunctionChain function() {
        auto made = chain(fmt::format("{}{}", kPrefix, service_.name.name));
        model::ChainFunction function;
        function.name = service_.name.name;
        function.service = service_.name.name;
        function.ingress = true;
        function.where = service_.where;
        if (const Node* exposure = annotations_.find(kExposureAnnotation); exposure != nullptr) {
            function.ingress = as_choice(*exposure, kExposures, report_).value_or(true);
        }
        if (const Node* scale = annotations_.find(kScaleAnnotation); scale != nullptr) {
            function.scale_from_zero =
                as_choice(*scale, kScaleModes, report_).value_or(model::ScaleFromZero::kDisabled);
        }
        made.functions.push_back(std::move(function));
        return made;
    }

    std::vector<std::string> read_callees(const Node& invokes) {
        std::vector<std::string> callees;
        for (const auto name : parts_between_commas(as_text(invokes, report_).value_or(""))) {
            if (const auto fault = fault_of(name, callees); !fault.empty()) {
                report_.error(invokes.where(),
                              fmt::format("annotation {} {}", kInvokesAnnotation, fault),
                              "Write the names of functions of this namespace, with commas "
                              "between: \"b,c\"");
                return {};
            }
            callees.emplace_back(name);
        }
        return callees;
    }

    [[nodiscard]] std::string fault_of(std::string_view name,
                                       const std::vector<std::string>& before) const {
        if (!is_dns_label(name)) {
            return fmt::format("names \"{}\", which is not a valid name", name);
        }
        if (name == service_.name.name) {
            return fmt::format("names {} itself", name);
        }
        if (std::ranges::find(before, name) != before.end()) {
            return fmt::format("names {} a second time", name);
        }
        return before.size() == kMaxCallees ? fmt::format("names more than {}", kMaxCallees) : "";
    }

    const model::Service& service_;
    const Node& annotations_;
    Report& report_;
};

}  // namespace

std::vector<std::string_view> parts_between_commas(std::string_view text) {
    std::vector<std::string_view> parts;
    if (trimmed(text).empty()) {
        return parts;
    }
    for (std::size_t at = 0; at <= text.size();) {
        const auto end = std::min(text.find(',', at), text.size());
        parts.push_back(trimmed(text.substr(at, end - at)));
        at = end + 1;
    }
    return parts;
}

std::vector<model::Object> openfaas_chains(const Node& root, const model::Service& service,
                                           Report& report) {
    const Node* metadata = root.find("metadata");
    const Node* annotations =
        metadata == nullptr ? nullptr : map_member(*metadata, "annotations", report);
    const Node* invokes = annotations == nullptr ? nullptr : annotations->find(kInvokesAnnotation);
    if (invokes == nullptr) {
        return {};
    }
    if (!service.selector.contains(std::string(kLabel))) {
        report.warning(invokes->where(),
                       fmt::format("annotation {} is ignored: the selector has no {}",
                                   kInvokesAnnotation, kLabel),
                       "List the function in a FunctionChain instead");
        return {};
    }
    return Annotated(service, *annotations, report).chains(*invokes);
}

bool is_openfaas_edges(const model::Object& object) {
    const auto* chain = std::get_if<model::FunctionChain>(&object);
    return chain != nullptr && chain->name.name.starts_with(kPrefix) &&
           chain->name.name.ends_with(kEdgesSuffix);
}

}  // namespace directfaas::manifest
