// SPDX-License-Identifier: Apache-2.0
// Copies what a child prints to the log, a line at a time, within bounds.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace directfaas::hold {

class OutputLog {
   public:
    static constexpr std::size_t kMaxLine = 1000;  // bytes; longer lines are cut
    static constexpr std::size_t kMaxLines = 200;  // later ones are dropped, which is logged

    /// Every line is logged behind `prefix`.
    explicit OutputLog(std::string prefix) : prefix_(std::move(prefix)) {}

    enum class Pipe { kRead, kEmpty, kClosed };
    /// Reads a bounded part of what is there. kClosed: nobody can write any more.
    Pipe read_from(int fd);
    /// The same for all that is there, if it is not more than a pipe's usual content.
    Pipe drain(int fd);
    /// Logs a last line without its newline.
    void finish();

   private:
    void add(std::string_view text);
    void flush();

    std::string prefix_;
    std::string line_;
    std::size_t lines_ = 0;
};

}  // namespace directfaas::hold
