// SPDX-License-Identifier: Apache-2.0
// `dfctl edges`: who called whom, how often, how fast, and who was turned away.
#include <fmt/format.h>

#include "cli/render/render.h"
#include "cli/table.h"

namespace directfaas::cli {
namespace {

using Side = Column::Side;

std::string handshake(const Json& edge, const char* key) {
    const auto microseconds = number_at(edge, key);
    return microseconds ? duration_text(*microseconds / 1e6) : "-";
}

/// "-" for what the backend does not count.
std::string counted(const Json& edge, const char* key) {
    return number_at(edge, key) ? count_text(count_at(edge, key)) : "-";
}

void add_edge(Table& table, const Json& edge) {
    const auto reset = count_at(edge, "reset");
    table.add({text_at(edge, "from"),
               text_at(edge, "to"),
               count_text(count_at(edge, "open")),
               count_text(count_at(edge, "opened")),
               counted(edge, "closed_by_caller"),
               counted(edge, "closed_by_callee"),
               {counted(edge, "reset"), reset > 0 ? Tone::kWarn : Tone::kPlain},
               bytes_text(count_at(edge, "bytes_request")),
               bytes_text(count_at(edge, "bytes_reply")),
               handshake(edge, "handshake_p50_us"),
               handshake(edge, "handshake_p99_us"),
               {place_text(object_at(edge, "declared")), Tone::kDim}});
}

std::string denied(const Json& answer, const Style& style) {
    Table table({{"DENIED FROM"}, {"TO"}, {"CALLS", Side::kRight}, {"REASON"}});
    for (const auto& item : list_at(answer, "denied")) {
        table.add({text_at(item, "from"),
                   text_at(item, "to"),
                   {count_text(count_at(item, "calls")), Tone::kBad},
                   text_at(item, "reason")});
    }
    return table.empty() ? "\nNo call was denied.\n" : "\n" + table.text(style);
}

}  // namespace

std::string render_edges(const Json& answer, const Style& style) {
    Table table({{"FROM"},
                 {"TO"},
                 {"OPEN", Side::kRight},
                 {"OPENED", Side::kRight},
                 {"CLOSED BY CALLER", Side::kRight},
                 {"BY CALLEE", Side::kRight},
                 {"RESET", Side::kRight},
                 {"SENT", Side::kRight},
                 {"ANSWERED", Side::kRight},
                 {"HANDSHAKE p50", Side::kRight},
                 {"p99", Side::kRight},
                 {"DECLARED"}});
    for (const auto& edge : list_at(answer, "edges")) {
        add_edge(table, edge);
    }
    const auto edges =
        table.empty() ? "No edges: no FunctionChain declares any.\n" : table.text(style);
    return edges + denied(answer, style);
}

}  // namespace directfaas::cli
