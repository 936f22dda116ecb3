// SPDX-License-Identifier: Apache-2.0
#include "agent/hold/output_log.h"

#include <unistd.h>

#include <array>
#include <cerrno>

#include "lib/util/log.h"

namespace directfaas::hold {

OutputLog::Pipe OutputLog::read_from(int fd) {
    std::array<char, 65536> buffer{};  // as much as a pipe holds by default
    const auto size = ::read(fd, buffer.data(), buffer.size());
    if (size > 0) {
        add({buffer.data(), static_cast<std::size_t>(size)});
        return Pipe::kRead;
    }
    return size < 0 && (errno == EAGAIN || errno == EINTR) ? Pipe::kEmpty : Pipe::kClosed;
}

OutputLog::Pipe OutputLog::drain(int fd) {
    constexpr int kMostReads = 4;
    auto pipe = Pipe::kRead;
    for (int reads = 0; pipe == Pipe::kRead && reads < kMostReads; ++reads) {
        pipe = read_from(fd);
    }
    return pipe;
}

void OutputLog::finish() {
    if (!line_.empty()) {
        flush();
    }
}

void OutputLog::add(std::string_view text) {
    if (lines_ > kMaxLines) {
        return;
    }
    for (const char c : text) {
        if (c == '\n') {
            flush();
        } else if (line_.size() < kMaxLine) {
            line_ += c;
        }
    }
}

void OutputLog::flush() {
    if (lines_ < kMaxLines) {
        util::log::info("{}: {}", prefix_, line_);
    } else if (lines_ == kMaxLines) {
        util::log::warning("{}: prints more than {} lines; the rest is dropped", prefix_,
                           kMaxLines);
    }
    ++lines_;
    line_.clear();
}

}  // namespace directfaas::hold
