// SPDX-License-Identifier: Apache-2.0
#include "cli/table.h"

#include <algorithm>

namespace directfaas::cli {
namespace {

constexpr std::size_t kGap = 2;

using Widths = std::vector<std::size_t>;

/// Appends one line. Padding is written before the next cell, so no line ends in blanks.
void append_line(std::string& out, const std::vector<Cell>& cells,
                 const std::vector<Column>& columns, const Widths& widths, const Style& style,
                 std::size_t indent) {
    std::size_t owed = indent;
    const auto count = std::min(cells.size(), columns.size());
    for (std::size_t i = 0; i < count; ++i) {
        const auto& cell = cells[i];
        const auto pad = widths[i] - width(cell.text);
        const bool right = columns[i].side == Column::Side::kRight;
        if (!cell.text.empty()) {
            out.append(owed + (right ? pad : 0), ' ');
            out += style.paint(cell.tone, cell.text);
            owed = kGap + (right ? 0 : pad);
        } else {
            owed += widths[i] + kGap;
        }
    }
    out += '\n';
}

}  // namespace

std::string Table::text(const Style& style, std::size_t indent) const {
    std::vector<Cell> header;
    Widths widths;
    for (const auto& column : columns_) {
        header.emplace_back(column.title, Tone::kStrong);
        widths.push_back(width(column.title));
    }
    const bool titled =
        std::ranges::any_of(columns_, [](const auto& c) { return !c.title.empty(); });
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < std::min(row.size(), widths.size()); ++i) {
            widths[i] = std::max(widths[i], width(row[i].text));
        }
    }
    std::string out;
    if (titled) {
        append_line(out, header, columns_, widths, style, indent);
    }
    for (const auto& row : rows_) {
        append_line(out, row, columns_, widths, style, indent);
    }
    return out;
}

}  // namespace directfaas::cli
