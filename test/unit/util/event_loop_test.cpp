// SPDX-License-Identifier: Apache-2.0
// The event loop: timers, descriptors, signals and work of other threads, and above all what
// callbacks may do to the loop they run in.
#include "lib/util/event_loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <thread>

namespace directfaas::util {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

class Pipe {
   public:
    Pipe() {
        int ends[2];
        EXPECT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        read_.reset(ends[0]);
        write_.reset(ends[1]);
    }
    [[nodiscard]] int out() const { return read_.get(); }
    void put() const { EXPECT_EQ(::write(write_.get(), "x", 1), 1); }
    void take() const {
        char byte = 0;
        EXPECT_EQ(::read(read_.get(), &byte, 1), 1);
    }
    [[nodiscard]] int in() const { return write_.get(); }

   private:
    UniqueFd read_;
    UniqueFd write_;
};

class EventLoopTest : public testing::Test {
   protected:
    /// Turns the loop until `done`, or fails.
    void turn_until(const std::function<bool()>& done) {
        const auto deadline = steady_clock::now() + seconds(20);
        while (!done()) {
            ASSERT_LT(steady_clock::now(), deadline) << "it never happened";
            ASSERT_TRUE(loop_->run_once(milliseconds(100)).has_value());
        }
    }
    void turn() { ASSERT_TRUE(loop_->run_once(milliseconds(0)).has_value()); }

    std::unique_ptr<EventLoop> loop_ = EventLoop::create().value();
};

TEST_F(EventLoopTest, TimersFireInOrderOfTime) {
    std::string order;
    loop_->after(milliseconds(20), [&] { order += 'c'; });
    loop_->after(milliseconds(1), [&] { order += 'a'; });
    loop_->after(milliseconds(10), [&] { order += 'b'; });
    turn_until([&] { return order.size() == 3; });
    EXPECT_EQ(order, "abc");
}

TEST_F(EventLoopTest, ATimerIsNeverEarly) {
    const auto start = steady_clock::now();
    bool fired = false;
    loop_->after(milliseconds(30), [&] { fired = true; });
    turn_until([&] { return fired; });
    EXPECT_GE(steady_clock::now() - start, milliseconds(30));
}

TEST_F(EventLoopTest, ATimerFiresOnce) {
    int fired = 0;
    bool later = false;
    loop_->after(milliseconds(0), [&] { ++fired; });
    loop_->after(milliseconds(10), [&] { later = true; });
    turn_until([&] { return later; });
    EXPECT_EQ(fired, 1);
}

TEST_F(EventLoopTest, APeriodRepeatsUntilCancelled) {
    int ticks = 0;
    const auto ticking = loop_->every(milliseconds(1), [&] { ++ticks; });
    turn_until([&] { return ticks >= 3; });
    loop_->cancel(ticking);
    const int seen = ticks;
    bool later = false;
    loop_->after(milliseconds(10), [&] { later = true; });
    turn_until([&] { return later; });
    EXPECT_EQ(ticks, seen);
}

TEST_F(EventLoopTest, LatePeriodsDoNotPileUp) {
    int ticks = 0;
    loop_->every(milliseconds(1), [&] { ++ticks; });
    const auto late = steady_clock::now() + milliseconds(20);
    while (steady_clock::now() < late) {  // the loop's thread is busy elsewhere
    }
    turn();
    EXPECT_EQ(ticks, 1);
}

TEST_F(EventLoopTest, PeriodsBegunApartAreDueTogether) {
    int now = 0;  // this turn
    std::set<int> first;
    std::vector<int> second;
    loop_->every(milliseconds(50), [&] { first.insert(now); });
    const auto apart = steady_clock::now() + milliseconds(20);
    while (steady_clock::now() < apart) {
    }
    loop_->every(milliseconds(50), [&] { second.push_back(now); });
    turn_until([&] {
        ++now;
        return second.size() >= 3;
    });
    for (const int turn : second) {
        EXPECT_TRUE(first.contains(turn)) << "turn " << turn << " served only one of them";
    }
}

TEST_F(EventLoopTest, APeriodCancelledInItsOwnCallbackStops) {
    int ticks = 0;
    EventLoop::TimerId own = 0;
    own = loop_->every(milliseconds(1), [&] {
        ++ticks;
        loop_->cancel(own);
    });
    bool later = false;
    loop_->after(milliseconds(20), [&] { later = true; });
    turn_until([&] { return later; });
    EXPECT_EQ(ticks, 1);
}

TEST_F(EventLoopTest, ATimerCancelledInItsOwnCallbackKeepsWhatTheCallbackHolds) {
    auto held = std::make_shared<int>(7);
    const std::weak_ptr<int> watch = held;
    EventLoop::TimerId own = 0;
    int seen = 0;
    own = loop_->after(milliseconds(0), [&, held = std::move(held)] {
        loop_->cancel(own);
        seen = *held;
    });
    turn_until([&] { return seen != 0; });
    EXPECT_EQ(seen, 7);
    EXPECT_TRUE(watch.expired()) << "afterwards nothing is kept";
}

TEST_F(EventLoopTest, ATimerMayCancelAnotherThatIsDueInTheSameTurn) {
    bool second = false;
    EventLoop::TimerId other = 0;
    bool first = false;
    loop_->after(milliseconds(1), [&] {
        first = true;
        loop_->cancel(other);
    });
    other = loop_->after(milliseconds(2), [&] { second = true; });
    const auto both_due = steady_clock::now() + milliseconds(5);
    while (steady_clock::now() < both_due) {
    }
    turn_until([&] { return first; });
    turn();
    EXPECT_FALSE(second);
}

TEST_F(EventLoopTest, CancellingTwiceOrNothingIsHarmless) {
    const auto timer = loop_->after(hours(1), [] {});
    loop_->cancel(timer);
    loop_->cancel(timer);
    loop_->cancel(12345);
    turn();
}

TEST_F(EventLoopTest, ATimerMayStartAnother) {
    int depth = 0;
    std::function<void()> again = [&] {
        if (++depth < 5) {
            loop_->after(milliseconds(0), again);
        }
    };
    loop_->after(milliseconds(0), again);
    turn_until([&] { return depth == 5; });
}

TEST_F(EventLoopTest, ADescriptorIsReportedWhileItIsReadable) {
    const Pipe pipe;
    int calls = 0;
    ASSERT_TRUE(loop_
                    ->watch(pipe.out(), EPOLLIN,
                            [&](std::uint32_t events) {
                                EXPECT_TRUE(events & EPOLLIN);
                                ++calls;
                            })
                    .has_value());
    turn();
    EXPECT_EQ(calls, 0);
    pipe.put();
    turn();
    turn();
    EXPECT_EQ(calls, 2) << "level-triggered";
    pipe.take();
    turn();
    EXPECT_EQ(calls, 2);
    loop_->unwatch(pipe.out());
    pipe.put();
    turn();
    EXPECT_EQ(calls, 2);
}

TEST_F(EventLoopTest, TheWatchedEventsMayChange) {
    const Pipe pipe;
    int calls = 0;
    ASSERT_TRUE(loop_->watch(pipe.in(), 0, [&](std::uint32_t) { ++calls; }).has_value());
    turn();
    EXPECT_EQ(calls, 0);
    ASSERT_TRUE(loop_->rewatch(pipe.in(), EPOLLOUT).has_value());
    turn();
    EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, ACallbackMayUnwatchItself) {
    const Pipe pipe;
    auto held = std::make_shared<int>(7);
    int seen = 0;
    ASSERT_TRUE(loop_
                    ->watch(pipe.out(), EPOLLIN,
                            [&, held](std::uint32_t) {
                                loop_->unwatch(pipe.out());
                                seen += *held;  // the callback outlives its own removal
                            })
                    .has_value());
    pipe.put();
    turn();
    turn();
    EXPECT_EQ(seen, 7);
    EXPECT_EQ(held.use_count(), 1) << "afterwards nothing is kept";
}

TEST_F(EventLoopTest, ACallbackMayUnwatchAnotherThatIsReadyInTheSameTurn) {
    const Pipe one;
    const Pipe two;
    int calls = 0;
    const auto stop_both = [&](std::uint32_t) {
        ++calls;
        loop_->unwatch(one.out());
        loop_->unwatch(two.out());
    };
    ASSERT_TRUE(loop_->watch(one.out(), EPOLLIN, stop_both).has_value());
    ASSERT_TRUE(loop_->watch(two.out(), EPOLLIN, stop_both).has_value());
    one.put();
    two.put();
    turn();
    EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, WatchingWhatCannotBeWatchedFails) {
    EXPECT_EQ(loop_->watch(-1, EPOLLIN, [](std::uint32_t) {}).error().code, EBADF);
    EXPECT_FALSE(loop_->rewatch(-1, EPOLLIN).has_value());
    loop_->unwatch(-1);
}

TEST_F(EventLoopTest, PostedWorkRunsInOrderOnTheLoopsThread) {
    std::string order;
    std::thread::id ran_on;
    std::jthread other([&] {
        loop_->post([&] { order += 'a'; });
        loop_->post([&] {
            order += 'b';
            ran_on = std::this_thread::get_id();
        });
    });
    turn_until([&] { return order.size() == 2; });
    EXPECT_EQ(order, "ab");
    EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST_F(EventLoopTest, WorkPostedByPostedWorkWaitsForTheNextTurn) {
    int rounds = 0;
    std::function<void()> again = [&] {
        ++rounds;
        loop_->post(again);
    };
    loop_->post(again);
    turn();
    EXPECT_EQ(rounds, 1) << "or it would starve everything else";
    turn();
    EXPECT_EQ(rounds, 2);
}

TEST_F(EventLoopTest, PostWakesALoopThatSleeps) {
    std::jthread other([&] { loop_->post([&] { loop_->stop(); }); });
    ASSERT_TRUE(loop_->run().has_value());  // would wait for a day
}

TEST_F(EventLoopTest, CallGivesTheValueToTheOtherThread) {
    int value = 0;
    std::jthread other([&] {
        value = loop_->call([] { return 7; });
        loop_->call([&] { loop_->stop(); });
    });
    ASSERT_TRUE(loop_->run().has_value());
    other.join();
    EXPECT_EQ(value, 7);
}

TEST_F(EventLoopTest, RunCanBeStoppedAndStartedAgain) {
    for (int i = 0; i < 2; ++i) {
        loop_->after(milliseconds(0), [&] { loop_->stop(); });
        ASSERT_TRUE(loop_->run().has_value());
    }
}

TEST_F(EventLoopTest, SignalsArriveAsCallbacks) {
    sigset_t before;
    ASSERT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &before), 0);
    int seen = 0;
    ASSERT_TRUE(
        loop_->on_signals({SIGUSR1, SIGUSR2}, [&](int signal) { seen = signal; }).has_value());
    ASSERT_EQ(raise(SIGUSR2), 0);
    turn_until([&] { return seen != 0; });
    EXPECT_EQ(seen, SIGUSR2);
    ASSERT_EQ(pthread_sigmask(SIG_SETMASK, &before, nullptr), 0);
}

}  // namespace
}  // namespace directfaas::util
