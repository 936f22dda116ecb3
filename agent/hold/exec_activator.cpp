// SPDX-License-Identifier: Apache-2.0
#include "agent/hold/exec_activator.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <csignal>
#include <deque>
#include <list>
#include <map>
#include <system_error>
#include <utility>

#include "agent/hold/child.h"
#include "agent/hold/output_log.h"
#include "lib/util/log.h"

namespace directfaas::hold {
namespace {

using Clock = std::chrono::steady_clock;
namespace log = util::log;

}  // namespace

struct ExecActivator::State {
    struct Job {
        model::Identity function;
        Activator::Done done;
    };

    struct Run {
        Job job;
        Child child;
        OutputLog output;
        Clock::time_point begun;
        util::EventLoop::TimerId timer = 0;
        bool timed_out = false;
    };

    /// Output that outlives its program: something was left running.
    struct Leftover {
        std::string command;
        util::UniqueFd output;
        OutputLog log;
        util::EventLoop::TimerId timer = 0;
    };

    State(util::EventLoop& event_loop, ExecOptions exec_options)
        : loop(event_loop), options(std::move(exec_options)) {}

    void start_due();
    util::Result<void> start(const Job& job);
    void read_output(Run& run);
    void close_output(Run& run);
    void time_out(Run& run);
    void ended(Run& run);
    void drain_output(Run& run);
    util::Result<void> count(const Run& run, const ChildEnd& end);
    [[nodiscard]] std::string command(const model::Identity& function) const;

    util::EventLoop& loop;
    const ExecOptions options;
    std::deque<Job> queue;
    std::map<pid_t, Run> runs;
    std::list<Leftover> leftovers;
    ExecCounters counters;
    util::EventLoop::TimerId kick = 0;  // starts what is due, in the loop's next turn
};

util::Result<std::unique_ptr<ExecActivator>> ExecActivator::create(util::EventLoop& loop,
                                                                   ExecOptions options) {
    std::error_code error;
    const auto status = std::filesystem::status(options.path, error);
    const std::string what = "activator '" + options.path.string() + "'";
    if (!std::filesystem::exists(status)) {
        return util::fail(what + " does not exist; name a program that starts an instance");
    }
    if (!std::filesystem::is_regular_file(status)) {
        return util::fail(what + " is not a file; name a program that starts an instance");
    }
    if (::access(options.path.c_str(), X_OK) != 0) {
        return util::fail_errno(what + " may not be executed; try chmod +x");
    }
    options.path = std::filesystem::absolute(options.path, error);
    return std::unique_ptr<ExecActivator>(new ExecActivator(loop, std::move(options)));
}

ExecActivator::ExecActivator(util::EventLoop& loop, ExecOptions options)
    : state_(std::make_unique<State>(loop, std::move(options))) {}

ExecActivator::~ExecActivator() {
    state_->loop.cancel(state_->kick);
    for (auto& [pid, run] : state_->runs) {
        signal_group(run.child, SIGTERM);
        state_->loop.cancel(run.timer);
        state_->loop.unwatch(run.child.pidfd.get());
        state_->close_output(run);
    }
    for (const auto& left : state_->leftovers) {
        state_->loop.cancel(left.timer);
    }
}

void ExecActivator::activate(const model::Identity& function, Done done) {
    state_->queue.push_back({function, std::move(done)});
    state_->loop.cancel(state_->kick);
    state_->kick = state_->loop.after({}, [state = state_.get()] { state->start_due(); });
}

ExecCounters ExecActivator::counters() const {
    ExecCounters out = state_->counters;
    out.running = state_->runs.size();
    out.queued = state_->queue.size();
    return out;
}

void ExecActivator::State::start_due() {
    while (!queue.empty() && runs.size() < options.max_parallel) {
        const Job job = std::move(queue.front());
        queue.pop_front();
        if (auto started = start(job); !started) {
            ++counters.not_started;
            job.done(util::pass(started.error(), "start the activator"));
        }
    }
}

util::Result<void> ExecActivator::State::start(const Job& job) {
    const auto& name = job.function.name;
    auto child =
        start_child({options.path, name.ns, name.name},
                    {"DIRECTFAAS_NAMESPACE=" + name.ns, "DIRECTFAAS_FUNCTION=" + name.name});
    if (!child) {
        return util::pass(child.error(), child.error().code == ENOEXEC
                                             ? "a script needs a first line like #!/bin/sh"
                                             : "run the activator");
    }
    const pid_t pid = child->pid;
    auto& run = runs.emplace(pid, Run{.job = job,
                                      .child = std::move(*child),
                                      .output = OutputLog("activator of " + job.function.text()),
                                      .begun = Clock::now()})
                    .first->second;
    run.timer = loop.after(options.timeout, [this, &run] { time_out(run); });
    auto watched = loop.watch(run.child.pidfd.get(), EPOLLIN, [this, &run](auto) { ended(run); });
    if (watched) {
        watched =
            loop.watch(run.child.output.get(), EPOLLIN, [this, &run](auto) { read_output(run); });
    }
    if (!watched) {
        loop.cancel(run.timer);
        loop.unwatch(run.child.pidfd.get());
        kill_child(run.child);
        runs.erase(pid);
    }
    return watched;
}

void ExecActivator::State::read_output(Run& run) {
    if (run.output.read_from(run.child.output.get()) == OutputLog::Pipe::kClosed) {
        close_output(run);
    }
}

void ExecActivator::State::close_output(Run& run) {
    if (run.child.output.valid()) {
        loop.unwatch(run.child.output.get());
        run.child.output.reset();
    }
    run.output.finish();
}

void ExecActivator::State::time_out(Run& run) {
    // The second time round the group has had its chance to end in order.
    signal_group(run.child, run.timed_out ? SIGKILL : SIGTERM);
    run.timer = loop.after(options.kill_after, [this, &run] { time_out(run); });
    run.timed_out = true;
}

void ExecActivator::State::ended(Run& run) {
    if (run.timed_out) {
        signal_group(run.child, SIGKILL);  // what is left of its group
    }
    const auto end = collect(run.child);
    if (!end) {
        return;
    }
    loop.cancel(run.timer);
    loop.unwatch(run.child.pidfd.get());
    drain_output(run);
    const auto result = count(run, *end);
    const auto done = std::move(run.job.done);
    runs.erase(run.child.pid);
    done(result);
    start_due();
}

/// Takes what was printed before the end. Does not wait for the pipe to close: an instance that
/// was started may have inherited it.
void ExecActivator::State::drain_output(Run& run) {
    if (!run.child.output.valid()) {
        return;
    }
    loop.unwatch(run.child.output.get());
    if (run.output.drain(run.child.output.get()) == OutputLog::Pipe::kClosed || run.timed_out) {
        run.output.finish();
        return;
    }
    const auto left =
        leftovers.insert(leftovers.end(), Leftover{.command = command(run.job.function),
                                                   .output = std::move(run.child.output),
                                                   .log = std::move(run.output)});
    left->timer = loop.after(options.output_grace, [this, left] {
        if (left->log.drain(left->output.get()) != OutputLog::Pipe::kClosed) {
            log::warning(
                "'{}' left a process that still has its standard output, which is closed now: give "
                "what stays in the background an output of its own, or SIGPIPE may end it",
                left->command);
        }
        left->log.finish();
        leftovers.erase(left);
    });
}

util::Result<void> ExecActivator::State::count(const Run& run, const ChildEnd& end) {
    const auto took = Clock::now() - run.begun;
    counters.duration.observe(took);
    if (run.timed_out) {
        ++counters.timed_out;
        return util::fail(fmt::format(
            "'{}' had not returned after {} ms and was stopped; it has to return once the instance "
            "is started, so let it start the instance in the background",
            command(run.job.function), options.timeout.count()));
    }
    if (!end.ok()) {
        ++counters.failed;
        return util::fail(fmt::format(
            "'{}' ended with {} after {} ms; what it printed is in this log, run it by hand to see "
            "more",
            command(run.job.function), end.text(),
            std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
    }
    ++counters.succeeded;
    return {};
}

std::string ExecActivator::State::command(const model::Identity& function) const {
    return fmt::format("{} {} {}", options.path.string(), function.name.ns, function.name.name);
}

}  // namespace directfaas::hold
