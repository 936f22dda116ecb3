// SPDX-License-Identifier: Apache-2.0
// `dfctl rules`: the flow table as statements one can read aloud and grep.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/render/render.h"
#include "cli/table.h"

namespace directfaas::cli {
namespace {

std::string joined(const std::vector<std::string>& texts) {
    return fmt::format("{}", fmt::join(texts, ", "));
}

std::string heading(const Json& answer, bool installed, const Style& style) {
    const auto count = [&answer](const char* list) { return list_at(answer, list).size(); };
    return style.paint(
               Tone::kDim,
               fmt::format(
                   "# {}: identities {}, addresses {}, attached {}, routes {}, allowed {}",
                   installed ? "installed in the kernel or switch" : "wanted by the manifests",
                   count("identities"), count("addresses"), count("attachments"), count("routes"),
                   count("allowed"))) +
           "\n";
}

std::string section(const Table& table, const Style& style) {
    return table.empty() ? "" : "\n" + table.text(style);
}

std::string identities(const Json& answer, const Style& style) {
    Table table({{""}, {""}, {""}, {""}, {""}, {""}});
    for (const auto& item : list_at(answer, "identities")) {
        const bool entry = text_at(item, "kind") == "entry";
        const auto served = texts_at(item, "served");
        const auto open = texts_at(item, "open");
        table.add({{"identity", Tone::kDim},
                   text_at(item, "identity"),
                   text_at(item, "enforcement"),
                   entry                      ? "caller only"
                   : flag_at(item, "ingress") ? "ingress"
                                              : "internal",
                   served.empty() ? "" : "serves " + joined(served),
                   open.empty() ? "" : "open to all " + joined(open)});
    }
    return section(table, style);
}

std::string addresses(const Json& answer, const Style& style) {
    Table table({{""}, {""}, {""}});
    for (const auto& item : list_at(answer, "addresses")) {
        table.add(
            {{"address", Tone::kDim}, text_at(item, "address"), "is " + text_at(item, "identity")});
    }
    return section(table, style);
}

std::string attachments(const Json& answer, const Style& style) {
    Table table({{""}, {""}, {""}, {""}, {""}, {""}, {""}});
    for (const auto& item : list_at(answer, "attachments")) {
        const auto sources = texts_at(item, "addresses");
        table.add(
            {{"attach", Tone::kDim},
             text_at(item, "pod"),
             "as " + text_at(item, "identity"),
             "ifindex " + text_at(item, "ifindex"),
             sources.empty() ? "" : "may send from " + joined(sources),
             {flag_at(item, "adopted") ? "adopted" : "", Tone::kDim},
             {item.value("fast_path", true) ? "" : "by the stack: NetworkPolicy", Tone::kDim}});
    }
    return section(table, style);
}

void add_endpoint(Table& table, const Json& endpoint) {
    const auto state = text_at(endpoint, "state");
    const auto ifindex = count_at(endpoint, "ifindex");
    table.add(
        {"",
         "  to " + text_at(endpoint, "address"),
         {state, state == "ready" ? Tone::kGood : Tone::kWarn},
         {ifindex == 0 ? "not on this node" : fmt::format("ifindex {}", ifindex), Tone::kDim}});
}

std::string routes(const Json& answer, const Style& style) {
    Table table({{""}, {""}, {""}, {""}});
    for (const auto& item : list_at(answer, "routes")) {
        const auto affinity = count_at(item, "affinity_s");
        const auto sticky =
            affinity == 0 ? "" : fmt::format(", callers keep their instance {} s", affinity);
        table.add({{"route", Tone::kDim},
                   text_at(item, "vip"),
                   "to " + text_at(item, "function"),
                   {"when empty: " + text_at(item, "when_empty") + sticky, Tone::kDim}});
        for (const auto& endpoint : list_at(item, "endpoints")) {
            add_endpoint(table, endpoint);
        }
    }
    return section(table, style);
}

std::string allowed(const Json& answer, const Style& style) {
    Table table({{""}, {""}, {""}});
    for (const auto& item : list_at(answer, "allowed")) {
        table.add({{"allow", Tone::kDim},
                   text_at(item, "from") + " → " + text_at(item, "to"),
                   {place_text(object_at(item, "declared")), Tone::kDim}});
    }
    return section(table, style);
}

}  // namespace

std::string render_rules(const Json& answer, bool installed, const Style& style) {
    return heading(answer, installed, style) + identities(answer, style) +
           addresses(answer, style) + attachments(answer, style) + routes(answer, style) +
           allowed(answer, style);
}

}  // namespace directfaas::cli
