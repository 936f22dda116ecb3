// SPDX-License-Identifier: Apache-2.0
// A program that runs beside us, with its output in pipes. Linux only: it is waited for by pidfd.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::cli {

/// Ends and reaps its process when it is destroyed.
class Child {
   public:
    /// Starts `words[0]`, found in PATH, with the rest. With `hold_input` its standard input is a
    /// pipe that has a writer as long as this object lives; else it is empty.
    static util::Result<Child> start(const std::vector<std::string>& words, bool hold_input);
    Child(Child&& other) noexcept;
    Child& operator=(Child&&) = delete;
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child();

    /// Descriptors to poll for reading; -1 once it has closed that output.
    [[nodiscard]] int out() const { return out_.get(); }
    [[nodiscard]] int err() const { return err_.get(); }
    /// Readable once the process has ended; -1 after it was reaped.
    [[nodiscard]] int ended() const { return pidfd_.get(); }

    /// Takes what is there into out_text and err_text, and reaps the process if it has ended.
    void take();
    /// Neither output is open, and the process was reaped.
    [[nodiscard]] bool done() const { return !out_.valid() && !err_.valid() && exit_.has_value(); }
    /// 128 + signal if one ended it. Nothing: it runs.
    [[nodiscard]] std::optional<int> exit() const { return exit_; }
    void kill() const;

    std::string out_text;
    std::string err_text;

   private:
    Child() = default;
    void reap(int options);

    pid_t pid_ = -1;
    util::UniqueFd pidfd_;
    util::UniqueFd in_;
    util::UniqueFd out_;
    util::UniqueFd err_;
    std::optional<int> exit_;
};

}  // namespace directfaas::cli
