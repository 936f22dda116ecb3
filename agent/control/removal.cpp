// SPDX-License-Identifier: Apache-2.0
#include "agent/control/removal.h"

#include <algorithm>
#include <utility>

#include "lib/util/log.h"

namespace directfaas::control {
namespace {

constexpr std::chrono::milliseconds kPeriod{50};

}  // namespace

std::uint64_t open_connections(const backend::Counters& counters) {
    // Neither way sees all: an edge counts no call that passed for Audit, an instance none that
    // was made by pod IP.
    std::uint64_t by_edge = 0;
    for (const auto& [edge, counted] : counters.edges) {
        by_edge += counted.open;
    }
    std::uint64_t by_instance = 0;
    for (const auto& [address, open] : counters.open_by_instance) {
        by_instance += open;
    }
    return std::max(by_edge, by_instance);
}

Removal::Removal(util::EventLoop& loop, AgentAccess& agent) : loop_(loop), agent_(agent) {}

Removal::~Removal() {
    if (timer_) {
        loop_.cancel(*timer_);
    }
}

void Removal::start(std::chrono::milliseconds timeout, Done done) {
    if (auto draining = agent_.set_drain(true); !draining) {
        done(std::unexpected(Refusal{"failed", draining.error().text(), ""}));
        return;
    }
    util::log::info("removing this instance from the kernel once no connection is open");
    done_ = std::move(done);
    deadline_ = std::chrono::steady_clock::now() + timeout;
    timer_ = loop_.every(kPeriod, [this] { look(); });
    loop_.post([this, alive = std::weak_ptr(alive_)] {
        if (!alive.expired() && running()) {
            look();
        }
    });
}

void Removal::look() {
    const auto counters = agent_.backend().counters();
    const auto open = counters ? open_connections(*counters) : 0;
    if (counters && open > 0 && std::chrono::steady_clock::now() < deadline_) {
        return;
    }
    if (auto removed = agent_.backend().remove(); !removed) {
        if (auto undone = agent_.set_drain(false); !undone) {
            util::log::error("end draining: {}", undone.error().text());
        }
        end(std::unexpected(Refusal{"failed", removed.error().text(),
                                    "the agent goes on; mend this and try again"}));
        return;
    }
    util::log::info("removed from the kernel, {} connections were open", open);
    end(Json{{"ok", true}, {"drained", open == 0}, {"open_left", open}});
}

void Removal::end(Answer answer) {
    loop_.cancel(*std::exchange(timer_, std::nullopt));
    std::exchange(done_, nullptr)(std::move(answer));
}

}  // namespace directfaas::control
