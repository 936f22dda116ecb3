// SPDX-License-Identifier: Apache-2.0
// Aligned columns. A row is one line whatever the width of the terminal: lines can be cut by
// `less -S` and matched by grep, wrapped ones cannot.
#pragma once

#include <string>
#include <vector>

#include "cli/text.h"

namespace directfaas::cli {

struct Cell {
    std::string text;  // already printable
    Tone tone = Tone::kPlain;

    Cell(std::string cell_text, Tone cell_tone = Tone::kPlain)
        : text(std::move(cell_text)), tone(cell_tone) {}
    Cell(const char* cell_text) : text(cell_text) {}
};

/// A column's title and side.
struct Column {
    std::string title;
    enum class Side : std::uint8_t { kLeft, kRight } side = Side::kLeft;
};

class Table {
   public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// Adds a row; missing cells are empty.
    void add(std::vector<Cell> cells) { rows_.push_back(std::move(cells)); }
    [[nodiscard]] bool empty() const { return rows_.empty(); }

    /// Header (unless all titles are empty) and rows, each line indented and free of trailing
    /// space.
    [[nodiscard]] std::string text(const Style& style, std::size_t indent = 0) const;

   private:
    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

}  // namespace directfaas::cli
