// SPDX-License-Identifier: Apache-2.0
#include "cli/agent_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>

#include "lib/util/unique_fd.h"

namespace directfaas::cli {
namespace {

using util::fail_errno;
using util::Result;
using util::UniqueFd;

constexpr std::size_t kOutputLimit = std::size_t{16} << 20U;

/// `name` beside this executable if it is there, else `name` for a search in PATH.
std::string located(const std::string& name) {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    const auto beside = self.parent_path() / name;
    return !error && ::access(beside.c_str(), X_OK) == 0 ? beside.string() : name;
}

Result<pid_t> spawn(const std::vector<std::string>& arguments, int output) {
    std::vector<std::string> words = arguments;
    words[0] = located(words[0]);
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (auto& word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);  // we ignore it; that must not be inherited
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    pid_t pid = -1;
    const int code = ::posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (code != 0) {
        return fail_errno("start " + words[0], code);
    }
    return pid;
}

std::string read_all(int fd) {
    std::string output;
    std::array<char, 65536> chunk{};
    ssize_t got = 0;
    while ((got = ::read(fd, chunk.data(), chunk.size())) != 0) {
        if (got > 0 && output.size() < kOutputLimit) {
            output.append(chunk.data(), static_cast<std::size_t>(got));
        } else if (got < 0 && errno != EINTR) {
            break;
        }
    }
    return output;
}

}  // namespace

Result<ProgramEnd> run_agent_program(const std::vector<std::string>& arguments) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return fail_errno("create a pipe");
    }
    const UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    const auto pid = spawn(arguments, writer.get());
    if (!pid) {
        return std::unexpected(pid.error());
    }
    writer.reset();
    ProgramEnd end;
    end.output = read_all(reader.get());
    int status = 0;
    while (::waitpid(*pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return fail_errno("wait for " + arguments[0]);
        }
    }
    end.exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return end;
}

}  // namespace directfaas::cli
