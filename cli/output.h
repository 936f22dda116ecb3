// SPDX-License-Identifier: Apache-2.0
// Where text goes. A reader that went away (`dfctl edges | head`) ends the output, not the command.
#pragma once

#include <string_view>

namespace directfaas::cli {

/// Writes whole texts to a descriptor it does not own. The process must ignore SIGPIPE.
class Output {
   public:
    explicit Output(int fd) : fd_(fd) {}

    /// Writes all of it. False once nobody reads any more or the device failed; then it stays so.
    bool write(std::string_view text);
    [[nodiscard]] bool closed() const { return failure_ != 0; }
    /// The errno value that ended the output; EPIPE is no failure of dfctl's.
    [[nodiscard]] int failure() const { return failure_; }
    [[nodiscard]] int fd() const { return fd_; }

   private:
    int fd_;
    int failure_ = 0;
};

}  // namespace directfaas::cli
