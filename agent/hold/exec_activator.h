// SPDX-License-Identifier: Apache-2.0
// Starts an instance by running a program of the operator's: `PATH <namespace> <function>`.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "agent/hold/activator.h"
#include "agent/hold/histogram.h"
#include "lib/util/event_loop.h"

namespace directfaas::hold {

struct ExecOptions {
    std::filesystem::path path{};
    std::chrono::milliseconds timeout{30000};      // then SIGTERM to the program's process group
    std::chrono::milliseconds kill_after{2000};    // and SIGKILL this much later
    std::chrono::milliseconds output_grace{1000};  // after its end, until its output is closed
    std::size_t max_parallel = 8;                  // the others wait their turn, in order
};

/// Ends of activations since start. All but `succeeded` are reported to the caller as an error.
struct ExecCounters {
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;  // exit status other than 0, or killed by a signal
    std::uint64_t timed_out = 0;
    std::uint64_t not_started = 0;  // the program could not be executed
    std::size_t running = 0;
    std::size_t queued = 0;
    Histogram duration;  // of those that were started
};

/// Single-threaded, on the loop's thread. The program gets DIRECTFAAS_NAMESPACE and
/// DIRECTFAAS_FUNCTION beside its arguments, no open descriptor but 0-2, a process group of its
/// own and default signals. Its output goes to the log. It has to return once the instance is
/// started; what it leaves running is not touched, and has to take an output of its own.
class ExecActivator final : public Activator {
   public:
    /// Fails, with what to do, if there is no executable file at `options.path`.
    static util::Result<std::unique_ptr<ExecActivator>> create(util::EventLoop& loop,
                                                               ExecOptions options);
    ExecActivator(const ExecActivator&) = delete;
    ExecActivator& operator=(const ExecActivator&) = delete;
    /// Asks programs that still run to end (SIGTERM); their `done` is not called any more.
    ~ExecActivator() override;

    void activate(const model::Identity& function, Done done) override;
    [[nodiscard]] ExecCounters counters() const;

   private:
    ExecActivator(util::EventLoop& loop, ExecOptions options);
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace directfaas::hold
