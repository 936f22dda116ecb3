// SPDX-License-Identifier: Apache-2.0
#include "agent/cluster_events/limits_watch.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "lib/util/log.h"

namespace directfaas::cluster_events {
namespace {

constexpr std::array kLimits{DF_REASON_CT_FULL, DF_REASON_CT_BUDGET, DF_REASON_HOLD_FULL,
                             DF_REASON_TUPLE_COLLISION};
/// The first three forget their oldest entry by themselves, the last one only counts.
constexpr std::array<std::string_view, 4> kForgetting{"affinity", "frag", "kept", "denied"};

}  // namespace

Limits limits_in(const backend::Counters& counters, std::map<df_reason, std::uint64_t>& before) {
    Limits limits;
    for (const auto& table : counters.tables) {
        const bool forgets = std::ranges::find(kForgetting, table.name) != kForgetting.end();
        if (!forgets && table.capacity > 0 && table.entries * 10 >= table.capacity * 9) {
            limits.full.push_back(table);
        }
    }
    std::map<df_reason, std::uint64_t> now;
    for (const auto reason : kLimits) {
        now[reason] = 0;
    }
    for (const auto& drop : counters.drops) {
        if (const auto found = now.find(drop.reason); found != now.end()) {
            found->second += drop.packets;
        }
    }
    for (const auto& [reason, packets] : now) {
        const auto known = before.find(reason);
        if (known != before.end() && packets > known->second) {
            limits.refused_more[reason] = packets - known->second;
        }
    }
    before = std::move(now);
    return limits;
}

LimitsWatch::LimitsWatch(backend::Backend& backend, std::chrono::milliseconds period)
    : backend_(backend),
      period_(period),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

std::optional<Limits> LimitsWatch::take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(found_, std::nullopt);
}

void LimitsWatch::run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        lock.unlock();
        const auto counters = backend_.counters();
        if (!counters) {
            util::log::debug("limits: {}", counters.error().text());
        }
        auto found = counters ? std::optional(limits_in(*counters, counted_)) : std::nullopt;
        lock.lock();
        if (found) {
            found_ = std::move(found);
        }
        stopped_.wait_for(lock, stop, period_, [] { return false; });
    }
}

}  // namespace directfaas::cluster_events
