// SPDX-License-Identifier: Apache-2.0
// `dfctl top`: the busiest first.
#include <fmt/format.h>

#include <algorithm>

#include "cli/render/render.h"
#include "cli/table.h"

namespace directfaas::cli {
namespace {

using Side = Column::Side;

std::string rate(const Json& item, const char* key) {
    const auto value = number_at(item, key);
    return value ? rate_text(*value) : "-";
}

std::string byte_rate(const Json& item, const char* key) {
    const auto value = number_at(item, key);
    return value ? bytes_text(static_cast<std::uint64_t>(std::clamp(*value, 0.0, 1e18))) + "/s"
                 : "-";
}

Cell noted(const Json& item, const char* key, Tone tone) {
    return {rate(item, key), number_at(item, key).value_or(0) > 0 ? tone : Tone::kPlain};
}

void add_function_rates(Table& table, const Json& item) {
    const auto ready = count_at(item, "ready");
    const auto held = count_at(item, "held_now");
    table.add({text_at(item, "name"),
               rate(item, "calls_per_second"),
               noted(item, "denied_per_second", Tone::kBad),
               noted(item, "no_instance_per_second", Tone::kWarn),
               {count_text(held), held > 0 ? Tone::kWarn : Tone::kPlain},
               count_text(count_at(item, "open")),
               {count_text(ready), ready == 0 ? Tone::kWarn : Tone::kPlain}});
}

void add_edge(Table& table, const Json& item) {
    table.add({text_at(item, "from"), text_at(item, "to"), rate(item, "calls_per_second"),
               byte_rate(item, "bytes_request_per_second"),
               byte_rate(item, "bytes_reply_per_second"), count_text(count_at(item, "open"))});
}

/// Busiest first; the order of the answer, which is by name, among equals.
std::vector<const Json*> by_rate(const Json& list) {
    std::vector<const Json*> order;
    order.reserve(list.size());
    for (const auto& item : list) {
        order.push_back(&item);
    }
    std::ranges::stable_sort(order, std::ranges::greater{}, [](const Json* item) {
        return number_at(*item, "calls_per_second").value_or(-1);
    });
    return order;
}

}  // namespace

std::string render_top(const Json& sample, std::size_t most, const Style& style) {
    const bool edges = sample.is_object() && sample.contains("edges");
    Table table(edges ? std::vector<Column>{{"FROM"},
                                            {"TO"},
                                            {"CALLS/S", Side::kRight},
                                            {"SENT", Side::kRight},
                                            {"ANSWERED", Side::kRight},
                                            {"OPEN", Side::kRight}}
                      : std::vector<Column>{{"FUNCTION"},
                                            {"CALLS/S", Side::kRight},
                                            {"DENIED/S", Side::kRight},
                                            {"NO INSTANCE/S", Side::kRight},
                                            {"HELD NOW", Side::kRight},
                                            {"OPEN", Side::kRight},
                                            {"READY", Side::kRight}});
    const auto order = by_rate(list_at(sample, edges ? "edges" : "functions"));
    if (order.empty()) {
        return edges ? "No edges: no FunctionChain declares any.\n"
                     : "No functions: no FunctionChain declares any.\n";
    }
    const auto shown = order.size() > most ? most - std::min<std::size_t>(most, 1) : order.size();
    for (std::size_t i = 0; i < shown; ++i) {
        (edges ? add_edge : add_function_rates)(table, *order[i]);
    }
    return table.text(style) +
           (shown == order.size() ? "" : fmt::format("... and {} more\n", order.size() - shown));
}

}  // namespace directfaas::cli
