// SPDX-License-Identifier: Apache-2.0
#include "cli/screen.h"

#include <fmt/format.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "cli/render/render.h"

namespace directfaas::cli {
namespace {

/// Lines of the terminal; 0 if the descriptor is none.
std::size_t terminal_lines(int fd) {
    winsize size{};
    return ::ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

bool can_move_the_cursor() {
    const char* term = std::getenv("TERM");
    return term != nullptr && std::string_view(term) != "dumb";
}

}  // namespace

Screen::Screen(Session& session)
    : session_(session),
      in_place_(session.options().format == Format::kTable && can_move_the_cursor() &&
                terminal_lines(session.world().out.fd()) > 0) {}

void Screen::show(const Json& sample, const std::string& remarks) {
    auto rows = std::numeric_limits<std::size_t>::max();
    std::string text;
    if (in_place_) {
        // Above and below the rows: the line of the interval, the header, and where the cursor is.
        const auto used = static_cast<std::size_t>(std::ranges::count(remarks, '\n')) + 3;
        const auto lines = terminal_lines(session_.world().out.fd());
        rows = std::max<std::size_t>(lines, used + 1) - used;
        text = "\x1b[H\x1b[J";  // to the upper left, and clear from there
    } else if (!first_) {
        text = "\n";
    }
    first_ = false;
    text += session_.style().paint(
        Tone::kDim,
        fmt::format("over {}", duration_text(number_at(sample, "seconds").value_or(0))));
    session_.print_line(sample, text + "\n" + render_top(sample, rows, session_.style()) + remarks);
}

}  // namespace directfaas::cli
