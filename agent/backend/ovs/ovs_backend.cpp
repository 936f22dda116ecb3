// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/ovs_backend.h"

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "agent/backend/ovs/counter_reader.h"
#include "agent/backend/ovs/explain.h"
#include "agent/backend/ovs/installer.h"
#include "agent/backend/ovs/punts.h"
#include "agent/backend/ovs/remove.h"
#include "lib/util/log.h"
#include "lib/util/memory.h"

namespace directfaas::backend::ovs {
namespace {

using util::Result;
using Clock = std::chrono::steady_clock;

/// Counters are read so often, or so seldom that it keeps ovs-vswitchd busy for a 200th of the
/// time: what was counted since the last time is lost with an ovs-vswitchd that is killed, but
/// rules, and the packets of the userspace datapath, wait while it lists its flows.
constexpr std::chrono::seconds kCountPeriod{1};
constexpr int kCountShare = 200;
constexpr std::chrono::seconds kNodePeriod{1};
/// Short: with a secure bridge nothing passes until the flows are back.
constexpr std::chrono::milliseconds kRetryPeriod{100};

class OvsBackend final : public Backend {
   public:
    OvsBackend(Options options, Punts punts)
        : options_(std::move(options)),
          bridge_({options_.bridge, options_.run_dir}),
          installer_(bridge_, options_.instance, {.connections = options_.max_connections / 2}),
          punts_(std::move(punts)),
          reader_({options_.bridge, options_.run_dir}) {}
    OvsBackend(const OvsBackend&) = delete;
    OvsBackend& operator=(const OvsBackend&) = delete;
    ~OvsBackend() override = default;

    Result<void> start();

    Result<void> apply(const model::RuleDelta& delta) override;
    Result<model::RuleSet> dump() override;
    Result<Counters> counters() override;
    [[nodiscard]] int event_fd() const override { return punts_.fd(); }
    void drain(const EventSink& sink) override;
    Result<void> replay(const HeldPacket& packet, ReplayAction action) override;
    std::vector<Capability> probe() override { return probe_node(options_); }
    Result<void> configure(const Settings& settings) override;
    Result<void> sweep() override;
    std::vector<std::string> installed(const model::AllowKey& edge,
                                       const std::vector<model::RouteKey>& routes) override;
    Result<void> remove() override;

   private:
    Result<void> connect();
    Result<void> connected();
    Result<CounterReader::Read> read(CounterReader::Connections connections);
    void keep_counting(const std::stop_token& stop);

    const Options options_;
    std::mutex mutex_;  // of all that follows but reader_: counters() comes from any thread
    Bridge bridge_;
    Installer installer_;
    Punts punts_;
    Totals totals_;                  // as last read: what goes on when ovs-vswitchd is restarted
    std::uint64_t connections_ = 0;  // to the bridge, so far
    Clock::time_point node_followed_{};
    Clock::time_point next_try_{};
    bool lost_ = false;
    CounterReader reader_;
    std::jthread counting_;  // last: it uses all the others
};

Result<void> OvsBackend::start() {
    if (auto opened = bridge_.open(); !opened) {
        return opened;
    }
    if (auto loaded = installer_.load(); !loaded) {
        return loaded;
    }
    if (auto done = connect(); !done) {
        return done;
    }
    counting_ = std::jthread([this](const std::stop_token& stop) { keep_counting(stop); });
    return {};
}

/// Puts everything in order after the bridge was reached, for the first time or again.
Result<void> OvsBackend::connect() {
    if (!bridge_.connected()) {
        if (auto opened = bridge_.open(); !opened) {
            return opened;
        }
    }
    ++connections_;
    if (auto recovered = installer_.recover(totals_); !recovered) {
        return recovered;
    }
    return punts_.open(bridge_.management_socket());
}

/// Reaches the bridge again if it was lost.
Result<void> OvsBackend::connected() {
    if (bridge_.connected()) {
        static_cast<void>(bridge_.serve());
    }
    if (bridge_.connected() && punts_.connected()) {
        return {};
    }
    const auto now = Clock::now();
    if (now < next_try_) {
        return util::fail(fmt::format("bridge {} is gone", options_.bridge));
    }
    next_try_ = now + kRetryPeriod;
    if (!std::exchange(lost_, true)) {
        util::log::warning("bridge {} is gone; trying again until it is back", options_.bridge);
    }
    auto done = connect();
    if (done) {
        lost_ = false;
        next_try_ = {};
        util::log::info("bridge {} is back; its flows are as they should be", options_.bridge);
    }
    return done;
}

Result<void> OvsBackend::apply(const model::RuleDelta& delta) {
    const std::lock_guard lock(mutex_);
    if (auto there = connected(); !there) {
        return there;
    }
    return installer_.apply(delta, punts_.refused_lately(installer_.settings())
                                       ? Installer::Refusals::kPossible
                                       : Installer::Refusals::kNone);
}

Result<model::RuleSet> OvsBackend::dump() {
    const std::lock_guard lock(mutex_);
    if (auto there = connected(); !there) {
        return std::unexpected(there.error());
    }
    return installer_.dump();
}

Result<void> OvsBackend::configure(const Settings& settings) {
    const std::lock_guard lock(mutex_);
    if (auto there = connected(); !there) {
        return there;
    }
    return installer_.configure(settings);
}

/// Rules may change while the switch is asked. Only what one life of ovs-vswitchd has counted is
/// believed: after a restart nothing is there until connect() has put it in again.
Result<CounterReader::Read> OvsBackend::read(CounterReader::Connections connections) {
    std::unique_lock lock(mutex_);
    const auto connection = connections_;
    lock.unlock();
    auto read = reader_.read(connections);
    if (!read) {
        return read;
    }
    Counted counted = sum_up(read->flows);
    lock.lock();
    if (bridge_.connected()) {
        static_cast<void>(bridge_.serve());
    }
    if (!bridge_.connected() || connection != connections_) {
        return util::fail(
            fmt::format("bridge {} was lost while its counters were read", options_.bridge));
    }
    add_earlier(counted, installer_.state());
    totals_.swap(counted.totals);
    lock.unlock();  // before what was read earlier is thrown away
    return read;
}

Result<Counters> OvsBackend::counters() {
    const auto found = read(CounterReader::Connections::kRead);
    if (!found) {
        return std::unexpected(found.error());
    }
    const std::lock_guard lock(mutex_);
    auto counters = make_counters(installer_.state(), totals_, found->open);
    counters.events_lost = punts_.events_lost();
    counters.held_lost = found->held_lost;
    return counters;
}

void OvsBackend::keep_counting(const std::stop_token& stop) {
    std::mutex idle;
    std::condition_variable_any ended;
    std::chrono::nanoseconds pause = kCountPeriod;
    std::unique_lock lock(idle);
    while (!ended.wait_for(lock, stop, pause, [&] { return stop.stop_requested(); })) {
        const auto found = read(CounterReader::Connections::kLeaveOut);
        if (!found) {
            util::log::debug("counters: {}", found.error().text());
        }
        util::release_free_memory();
        pause = found ? std::max<std::chrono::nanoseconds>(kCountPeriod, found->busy * kCountShare)
                      : kCountPeriod;
    }
}

void OvsBackend::drain(const EventSink& sink) {
    Punts::Taken taken;
    {
        const std::lock_guard lock(mutex_);
        taken = punts_.take(installer_.state(), installer_.settings());
    }
    // Without the lock: who takes a packet may send it back at once.
    for (const FlowEvent& event : taken.events) {
        sink.flow(event);
    }
    for (HeldPacket& packet : taken.held) {
        sink.held(std::move(packet));
    }
}

Result<void> OvsBackend::replay(const HeldPacket& packet, ReplayAction action) {
    const std::lock_guard lock(mutex_);
    return punts_.replay(installer_.state(), packet, action);
}

Result<void> OvsBackend::sweep() {
    const std::lock_guard lock(mutex_);
    if (lost_ && Clock::now() < next_try_) {
        return {};  // told already
    }
    if (auto there = connected(); !there) {
        return there;
    }
    const auto now = Clock::now();
    if (now - node_followed_ > kNodePeriod) {
        node_followed_ = now;
        for (const auto follow : {&Installer::follow_node, &Installer::follow_ports}) {
            if (auto followed = (installer_.*follow)(); !followed) {
                return followed;
            }
        }
    }
    return {};
}

std::vector<std::string> OvsBackend::installed(const model::AllowKey& edge,
                                               const std::vector<model::RouteKey>& routes) {
    const std::lock_guard lock(mutex_);
    return explain_installed(bridge_, installer_.state(), edge, routes);
}

Result<void> OvsBackend::remove() {
    counting_ = {};  // ends it: to read counters it puts a flow in, which would stay
    const std::lock_guard lock(mutex_);
    return remove_everything(bridge_);
}

}  // namespace

Result<std::unique_ptr<Backend>> create(const Options& options) {
    auto punts = Punts::create();
    if (!punts) {
        return std::unexpected(punts.error());
    }
    auto backend = std::make_unique<OvsBackend>(options, std::move(*punts));
    if (auto started = backend->start(); !started) {
        return std::unexpected(started.error());
    }
    return backend;
}

}  // namespace directfaas::backend::ovs
