// SPDX-License-Identifier: Apache-2.0
// `dfctl functions`: what each function serves, and what came of the calls to it.
#include "cli/render/render.h"
#include "cli/table.h"

namespace directfaas::cli {
namespace {

using Side = Column::Side;

Cell warned(std::uint64_t count, bool warn) {
    return {count_text(count), warn ? Tone::kWarn : Tone::kPlain};
}

void add_listed(Table& table, const Json& function) {
    const auto vips = texts_at(function, "vips");
    const auto ready = count_at(function, "ready");
    const auto denied = count_at(function, "denied");
    const auto held = count_at(function, "held_now");
    table.add({text_at(function, "name"),
               vips.empty() ? Cell("no vIP", Tone::kWarn) : Cell(vips.front()),
               flag_at(function, "ingress") ? "ingress" : "internal",
               text_at(function, "enforcement"), warned(ready, ready == 0),
               count_text(count_at(function, "draining")), count_text(count_at(function, "open")),
               count_text(count_at(function, "opened")), warned(denied, denied > 0),
               count_text(count_at(function, "no_instance")), warned(held, held > 0)});
    for (std::size_t i = 1; i < vips.size(); ++i) {
        table.add({"", vips[i]});
    }
}

}  // namespace

std::string render_functions(const Json& answer, const Style& style) {
    Table table({{"FUNCTION"},
                 {"VIP"},
                 {"EXPOSURE"},
                 {"ENFORCEMENT"},
                 {"READY", Side::kRight},
                 {"DRAINING", Side::kRight},
                 {"OPEN", Side::kRight},
                 {"CALLS", Side::kRight},
                 {"DENIED", Side::kRight},
                 {"NO INSTANCE", Side::kRight},
                 {"HELD NOW", Side::kRight}});
    for (const auto& function : list_at(answer, "functions")) {
        add_listed(table, function);
    }
    return table.empty() ? "No functions: no FunctionChain declares any.\n" : table.text(style);
}

}  // namespace directfaas::cli
