// SPDX-License-Identifier: Apache-2.0
#include "cli/agent_program.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "cli/spawn.h"

namespace directfaas::cli {
namespace {

using util::fail_errno;
using util::Result;

constexpr std::size_t kOutputLimit = std::size_t{16} << 20U;

/// `name` beside this executable if it is there, else `name` for a search in PATH.
std::string located(const std::string& name) {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    const auto beside = self.parent_path() / name;
    return !error && ::access(beside.c_str(), X_OK) == 0 ? beside.string() : name;
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
    auto pipe = make_pipe();
    if (!pipe) {
        return std::unexpected(pipe.error());
    }
    auto words = arguments;
    words[0] = located(words[0]);
    const auto pid = spawn(std::move(words), {kInherited, pipe->writer.get(), kInherited});
    if (!pid) {
        return std::unexpected(pid.error());
    }
    pipe->writer.reset();
    ProgramEnd end;
    end.output = read_all(pipe->reader.get());
    int status = 0;
    while (::waitpid(*pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return fail_errno("wait for " + arguments[0]);
        }
    }
    end.exit = exit_of(status);
    return end;
}

}  // namespace directfaas::cli
