// SPDX-License-Identifier: Apache-2.0
#include "lib/util/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <array>
#include <csignal>

namespace directfaas::util {
namespace {

constexpr std::chrono::milliseconds kForever{24 * 3600 * 1000};
/// Repeating timers are due at multiples of this, so that one wake-up serves them all.
constexpr std::chrono::nanoseconds kGrid = std::chrono::milliseconds{250};

/// The first point at or after `time` where timers of this period meet.
template <typename TimePoint>
TimePoint on_grid(TimePoint time, std::chrono::nanoseconds period) {
    const auto grid = std::min(period, kGrid);
    const auto past = time.time_since_epoch() % grid;
    return past.count() == 0 ? time : time + (grid - past);
}

}  // namespace

Result<std::unique_ptr<EventLoop>> EventLoop::create() {
    auto loop = std::unique_ptr<EventLoop>(new EventLoop());
    loop->epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
    if (!loop->epoll_.valid()) {
        return fail_errno("create an epoll instance");
    }
    loop->wakeup_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!loop->wakeup_.valid()) {
        return fail_errno("create an eventfd");
    }
    auto* self = loop.get();
    auto watched = loop->watch(loop->wakeup_.get(), EPOLLIN, [self](std::uint32_t) {
        std::uint64_t ignored = 0;
        [[maybe_unused]] const auto n = ::read(self->wakeup_.get(), &ignored, sizeof(ignored));
        self->run_posted();
    });
    if (!watched) {
        return std::unexpected(watched.error());
    }
    return loop;
}

EventLoop::~EventLoop() = default;

Result<void> EventLoop::watch(int fd, std::uint32_t events, FdCallback callback) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
        return fail_errno("watch descriptor " + std::to_string(fd));
    }
    watched_[fd] = std::make_shared<FdCallback>(std::move(callback));
    return {};
}

Result<void> EventLoop::rewatch(int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) {
        return fail_errno("change the events of descriptor " + std::to_string(fd));
    }
    return {};
}

void EventLoop::unwatch(int fd) {
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    watched_.erase(fd);
}

EventLoop::TimerId EventLoop::start(Clock::time_point due, std::chrono::nanoseconds period,
                                    Callback callback) {
    const TimerId id = next_timer_++;
    auto timer = std::make_shared<Timer>(Timer{id, period, std::move(callback)});
    timer_index_[id] = timers_.emplace(due, std::move(timer));
    return id;
}

EventLoop::TimerId EventLoop::after(std::chrono::nanoseconds delay, Callback callback) {
    return start(Clock::now() + delay, {}, std::move(callback));
}

EventLoop::TimerId EventLoop::every(std::chrono::nanoseconds period, Callback callback) {
    return start(on_grid(Clock::now() + period, period), period, std::move(callback));
}

void EventLoop::cancel(TimerId id) {
    if (const auto found = timer_index_.find(id); found != timer_index_.end()) {
        timers_.erase(found->second);
        timer_index_.erase(found);
    }
}

Result<void> EventLoop::on_signals(const std::vector<int>& signals,
                                   std::function<void(int)> callback) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : signals) {
        sigaddset(&set, signal);
    }
    if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) {
        return fail_errno("block signals");
    }
    signals_.reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_.valid()) {
        return fail_errno("create a signalfd");
    }
    return watch(signals_.get(), EPOLLIN, [this, callback = std::move(callback)](std::uint32_t) {
        signalfd_siginfo info{};
        while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
            callback(static_cast<int>(info.ssi_signo));
        }
    });
}

void EventLoop::post(Callback callback) {
    {
        const std::scoped_lock lock(posted_mutex_);
        posted_.push_back(std::move(callback));
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(wakeup_.get(), &one, sizeof(one));
}

void EventLoop::run_posted() {
    std::vector<Callback> work;
    {
        const std::scoped_lock lock(posted_mutex_);
        work.swap(posted_);
    }
    for (auto& callback : work) {
        callback();
    }
}

void EventLoop::run_timers() {
    const auto now = Clock::now();
    while (!timers_.empty() && timers_.begin()->first <= now) {
        const auto [due, timer] = *timers_.begin();  // survives a cancel() from inside
        timers_.erase(timers_.begin());
        if (timer->period.count() > 0) {
            const auto next = due + timer->period;
            timer_index_[timer->id] = timers_.emplace(
                next > now ? next : on_grid(now + timer->period, timer->period), timer);
        } else {
            timer_index_.erase(timer->id);
        }
        timer->callback();
    }
}

int EventLoop::wait_ms(std::chrono::milliseconds limit) const {
    if (timers_.empty()) {
        return static_cast<int>(limit.count());
    }
    const auto next =
        std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - Clock::now());
    return static_cast<int>(std::clamp(next, std::chrono::milliseconds{0}, limit).count());
}

Result<void> EventLoop::run_once(std::chrono::milliseconds timeout) {
    std::array<epoll_event, 64> ready{};
    const int count = epoll_wait(epoll_.get(), ready.data(), ready.size(), wait_ms(timeout));
    if (count < 0 && errno != EINTR) {
        return fail_errno("wait for events");
    }
    for (int i = 0; i < count; ++i) {
        const auto found = watched_.find(ready[i].data.fd);
        if (found != watched_.end()) {
            const auto callback = found->second;  // survives an unwatch() from inside
            (*callback)(ready[i].events);
        }
    }
    run_timers();
    return {};
}

Result<void> EventLoop::run() {
    stopping_ = false;
    while (!stopping_) {
        if (auto turned = run_once(kForever); !turned) {
            return turned;
        }
    }
    return {};
}

void EventLoop::stop() { stopping_ = true; }

}  // namespace directfaas::util
