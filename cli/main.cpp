// SPDX-License-Identifier: Apache-2.0
// dfctl: parse the command line, run one command, exit with its status.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

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

/// The last part of the name by which the program was called.
std::string_view called_as(const char* path) {
    const std::string_view whole(path == nullptr ? "" : path);
    return whole.substr(whole.rfind('/') + 1);
}

}  // namespace

int main(int argc, char** argv) {
    namespace cli = directfaas::cli;
    // A reader that went away shows as EPIPE, so that the exit status stays the answer's.
    std::signal(SIGPIPE, SIG_IGN);
    cli::Output out(STDOUT_FILENO);
    cli::Output err(STDERR_FILENO);
    const auto name = called_as(argc > 0 ? argv[0] : nullptr);
    const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    if (name == "kubectl_complete-directfaas") {
        out.write(cli::plugin_completion(words));
        return 0;
    }
    const auto program =
        name == "kubectl-directfaas" ? cli::Program::kPlugin : cli::Program::kDfctl;
    const auto options = cli::parse_options(words, program);
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
    world.program = cli::program_name(program);
    return cli::run(*options, world);
}
