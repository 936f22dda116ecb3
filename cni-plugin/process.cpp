// SPDX-License-Identifier: Apache-2.0
#include "cni-plugin/process.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>

namespace directfaas::cni {
namespace {

constexpr std::size_t kMaxInput = 4 << 20;

std::string read_all() {
    std::string input;
    std::array<char, 65536> piece{};
    while (input.size() < kMaxInput) {
        const auto got = read(STDIN_FILENO, piece.data(), piece.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        input.append(piece.data(), static_cast<std::size_t>(got));
    }
    return input;
}

void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto sent = write(fd, text.data(), text.size());
        if (sent < 0 && errno != EINTR) {
            return;
        }
        text.remove_prefix(static_cast<std::size_t>(sent > 0 ? sent : 0));
    }
}

}  // namespace

int run_process(const char* plugin,
                const std::function<Outcome(const Call&, std::string_view input)>& run) {
    const auto call = Call::from([](const char* name) -> std::string {
        const char* value = std::getenv(name);
        return value == nullptr ? "" : value;
    });
    const auto outcome = run(call, read_all());
    if (!outcome.notes.empty()) {
        const auto trace = call.trace_parent.empty() ? "" : " trace " + call.trace_parent;
        write_all(STDERR_FILENO, std::string(plugin) + " " + call.command + " " +
                                     call.pod_namespace + "/" + call.pod_name + trace + ": " +
                                     outcome.notes);
    }
    write_all(STDOUT_FILENO, outcome.result);
    return outcome.exit_status;
}

}  // namespace directfaas::cni
