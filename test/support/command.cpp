// SPDX-License-Identifier: Apache-2.0
// Between fork and exec only async-signal-safe calls are made: the test has threads.
#include "test/support/command.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "test/support/netns.h"
#include "test/support/wait.h"

namespace directfaas::support {
namespace {

std::vector<char*> argument_vector(const std::vector<std::string>& arguments) {
    std::vector<char*> out;
    for (const std::string& argument : arguments) {
        out.push_back(const_cast<char*>(argument.c_str()));
    }
    out.push_back(nullptr);
    return out;
}

/// What is not in `capabilities` is taken from what the next program can get.
bool bound(Capabilities capabilities) {
    for (int bit = 0; ::prctl(PR_CAPBSET_READ, bit) >= 0; ++bit) {
        if ((capabilities >> bit & 1) == 0 && ::prctl(PR_CAPBSET_DROP, bit) != 0) {
            return false;
        }
    }
    return true;
}

pid_t fork_exec(const std::vector<std::string>& arguments, int netns, int in, int out,
                Capabilities capabilities = kAllCapabilities) {
    auto argv = argument_vector(arguments);
    const pid_t child = ::fork();
    if (child < 0) {
        throw_errno("fork");
    }
    if (child > 0) {
        return child;
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::signal(SIGPIPE, SIG_DFL);
    if ((netns >= 0 && ::setns(netns, CLONE_NEWNET) != 0) || ::dup2(in, 0) < 0 ||
        ::dup2(out, 1) < 0 || ::dup2(out, 2) < 0 || !bound(capabilities)) {
        ::_exit(126);
    }
    ::close_range(3, ~0U, 0);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
}

int exit_status(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

CommandResult run_command(const std::vector<std::string>& arguments,
                          const CommandOptions& options) {
    int in[2];
    int out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) {
        throw_errno("pipe");
    }
    const pid_t child = fork_exec(arguments, options.netns, in[0], out[1]);
    ::close(in[0]);
    ::close(out[1]);
    std::thread writer([&] {
        std::size_t done = 0;
        while (done < options.input.size()) {
            const ssize_t wrote =
                ::write(in[1], options.input.data() + done, options.input.size() - done);
            if (wrote <= 0) {
                break;  // the program does not want it all
            }
            done += static_cast<std::size_t>(wrote);
        }
        ::close(in[1]);
    });
    CommandResult result;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(out[0], buffer, sizeof buffer)) > 0;) {
        result.output.append(buffer, static_cast<std::size_t>(got));
    }
    ::close(out[0]);
    writer.join();
    int status = 0;
    ::waitpid(child, &status, 0);
    result.status = exit_status(status);
    return result;
}

pid_t start_program(const std::vector<std::string>& arguments, int netns, const std::string& log,
                    Capabilities capabilities) {
    const util::UniqueFd out{::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
    const util::UniqueFd in{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    if (!out.valid() || !in.valid()) {
        throw_errno("open " + log);
    }
    return fork_exec(arguments, netns, in.get(), out.get(), capabilities);
}

int wait_for_exit(pid_t child, std::chrono::milliseconds patience) {
    int result = -1;
    wait_until(
        [&] {
            int status = 0;
            if (::waitpid(child, &status, WNOHANG) != child) {
                return false;
            }
            result = exit_status(status);
            return true;
        },
        patience);
    return result;
}

}  // namespace directfaas::support
