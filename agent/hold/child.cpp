// SPDX-License-Identifier: Apache-2.0
#include "agent/hold/child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string_view>

namespace directfaas::hold {
namespace {

std::string_view variable_name(std::string_view assignment) {
    return assignment.substr(0, assignment.find('='));
}

std::vector<std::string> environment(const std::vector<std::string>& extra) {
    std::vector<std::string> out = extra;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const auto same_name = [entry](const std::string& e) {
            return variable_name(e) == variable_name(*entry);
        };
        if (std::ranges::none_of(extra, same_name)) {
            out.emplace_back(*entry);
        }
    }
    return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> out;
    std::ranges::transform(texts, std::back_inserter(out), [](auto& text) { return text.data(); });
    out.push_back(nullptr);
    return out;
}

/// What the child's descriptors, signals and group are set to before it runs.
class SpawnSettings {
   public:
    explicit SpawnSettings(int output) {
        posix_spawn_file_actions_init(&files_);
        posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&files_, output, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&files_, output, STDERR_FILENO);
        posix_spawn_file_actions_addclosefrom_np(&files_, STDERR_FILENO + 1);

        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_init(&attributes_);
        posix_spawnattr_setsigmask(&attributes_, &none);
        posix_spawnattr_setsigdefault(&attributes_, &all);
        posix_spawnattr_setpgroup(&attributes_, 0);
        posix_spawnattr_setflags(
            &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;
    ~SpawnSettings() {
        posix_spawn_file_actions_destroy(&files_);
        posix_spawnattr_destroy(&attributes_);
    }

    [[nodiscard]] const posix_spawn_file_actions_t* files() const { return &files_; }
    [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

   private:
    posix_spawn_file_actions_t files_{};
    posix_spawnattr_t attributes_{};
};

}  // namespace

std::string ChildEnd::text() const {
    if (!by_signal) {
        return "exit status " + std::to_string(code);
    }
    const char* name = sigabbrev_np(code);
    return "signal SIG" + (name != nullptr ? std::string(name) : std::to_string(code));
}

util::Result<Child> start_child(const std::vector<std::string>& arguments,
                                const std::vector<std::string>& extra) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return util::fail_errno("create a pipe");
    }
    Child child;
    child.output.reset(ends[0]);
    const util::UniqueFd write_end(ends[1]);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);  // this end only: the child's may block

    auto argument_texts = arguments;
    auto variable_texts = environment(extra);
    const auto argv = pointers(argument_texts);
    const auto envp = pointers(variable_texts);
    const SpawnSettings settings(write_end.get());
    const int error = ::posix_spawn(&child.pid, argv[0], settings.files(), settings.attributes(),
                                    argv.data(), envp.data());
    if (error != 0) {
        return util::fail_errno("execute " + arguments[0], error);
    }
    // By number: the declaration of glibc 2.36 does not link from C++.
    child.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
    if (!child.pidfd.valid()) {
        const int reason = errno;
        kill_child(child);
        return util::fail_errno("watch " + arguments[0] + " for its end", reason);
    }
    return child;
}

std::optional<ChildEnd> collect(const Child& child) {
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOHANG) != 0) {
        return ChildEnd{.code = -1};  // somebody else has collected it
    }
    if (info.si_pid == 0) {
        return std::nullopt;
    }
    return ChildEnd{.by_signal = info.si_code != CLD_EXITED, .code = info.si_status};
}

void kill_child(const Child& child) {
    signal_group(child, SIGKILL);
    ::waitpid(child.pid, nullptr, 0);  // blocks for the moment a kill takes
}

void signal_group(const Child& child, int signal) { ::kill(-child.pid, signal); }

}  // namespace directfaas::hold
