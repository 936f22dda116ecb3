// SPDX-License-Identifier: Apache-2.0
// dfctl: parse the command line, run one command, exit with its status.
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "cli/commands.h"
#include "cli/discovery.h"
#include "lib/manifest/validate.h"

namespace {

using directfaas::cli::ColorMode;

/// https://no-color.org: set and not empty means no colour, unless the command line insists.
bool use_color(ColorMode mode, int fd) {
    if (mode != ColorMode::kAuto) {
        return mode == ColorMode::kAlways;
    }
    const char* no_color = std::getenv("NO_COLOR");
    const char* term = std::getenv("TERM");
    const bool dumb = term != nullptr && std::string_view(term) == "dumb";
    return (no_color == nullptr || *no_color == '\0') && !dumb && ::isatty(fd) == 1;
}

}  // namespace

int main(int argc, char** argv) {
    namespace cli = directfaas::cli;
    // A reader that went away shows as EPIPE, so that the exit status stays the answer's.
    std::signal(SIGPIPE, SIG_IGN);
    cli::Output out(STDOUT_FILENO);
    cli::Output err(STDERR_FILENO);
    const auto options = cli::parse_options({argv + 1, argv + argc});
    if (!options) {
        (options.error().exit == 0 ? out : err).write(options.error().text);
        return options.error().exit;
    }
    cli::World world{out,
                     err,
                     cli::kRunDirectory,
                     {use_color(options->color, STDOUT_FILENO)},
                     {use_color(options->color, STDERR_FILENO)},
                     cli::run_agent_program,
                     directfaas::manifest::validate};
    return cli::run(*options, world);
}
