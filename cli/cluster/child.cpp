// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster/child.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "cli/spawn.h"

namespace directfaas::cli {
namespace {

using util::fail_errno;
using util::Result;
using util::UniqueFd;

constexpr std::size_t kOutputLimit = std::size_t{256} << 20U;

/// Appends what can be read at once; closes `fd` at its end.
void drain(UniqueFd& fd, std::string& text) {
    std::array<char, 65536> chunk{};
    while (fd.valid()) {
        const auto got = ::read(fd.get(), chunk.data(), chunk.size());
        if (got > 0 && text.size() < kOutputLimit) {
            text.append(chunk.data(), static_cast<std::size_t>(got));
        } else if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            fd.reset();
        } else if (got < 0 && errno == EAGAIN) {
            return;
        }
    }
}

}  // namespace

Result<Child> Child::start(const std::vector<std::string>& words, bool hold_input) {
    auto in = make_pipe();
    auto out = make_pipe();
    auto err = make_pipe();
    for (const auto* pipe : {&in, &out, &err}) {
        if (!*pipe) {
            return std::unexpected(pipe->error());
        }
    }
    const auto pid = spawn(words, {in->reader.get(), out->writer.get(), err->writer.get()});
    if (!pid) {
        return std::unexpected(pid.error());
    }
    Child child;
    child.pid_ = *pid;
    child.pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
    if (!child.pidfd_.valid()) {
        return fail_errno("watch " + words[0]);
    }
    if (hold_input) {
        child.in_ = std::move(in->writer);
    }
    child.out_ = std::move(out->reader);
    child.err_ = std::move(err->reader);
    ::fcntl(child.out_.get(), F_SETFL, O_NONBLOCK);
    ::fcntl(child.err_.get(), F_SETFL, O_NONBLOCK);
    return child;
}

Child::Child(Child&& other) noexcept
    : out_text(std::move(other.out_text)),
      err_text(std::move(other.err_text)),
      pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      in_(std::move(other.in_)),
      out_(std::move(other.out_)),
      err_(std::move(other.err_)),
      exit_(other.exit_) {}

Child::~Child() {
    if (pid_ > 0 && !exit_) {
        kill();
        reap(0);
    }
}

void Child::kill() const {
    if (pid_ > 0 && !exit_) {
        ::kill(pid_, SIGKILL);
    }
}

void Child::reap(int options) {
    int status = 0;
    pid_t got = 0;
    while ((got = ::waitpid(pid_, &status, options)) < 0 && errno == EINTR) {
    }
    if (got == pid_) {
        exit_ = exit_of(status);
        pidfd_.reset();
    }
}

void Child::take() {
    drain(out_, out_text);
    drain(err_, err_text);
    if (!exit_) {
        reap(WNOHANG);
    }
}

}  // namespace directfaas::cli
