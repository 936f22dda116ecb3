// SPDX-License-Identifier: Apache-2.0
#include "agent/hold/activations.h"

#include <algorithm>

#include "lib/util/log.h"

namespace directfaas::hold {
namespace log = util::log;

Activations::Activations(util::EventLoop& loop, Activator* activator, Options options,
                         Wanted wanted)
    : loop_(loop), activator_(activator), options_(options), wanted_(std::move(wanted)) {}

Activations::~Activations() {
    for (const auto& [function, episode] : episodes_) {
        loop_.cancel(episode.timer);
    }
}

void Activations::need(const model::Identity& function) {
    if (activator_ == nullptr) {
        return;
    }
    const auto [at, is_new] = episodes_.try_emplace(function);
    if (is_new) {
        at->second.pause = options_.retry;
        start(function, at->second);
    }
}

void Activations::has_instance(const model::Identity& function) {
    const auto found = episodes_.find(function);
    if (found == episodes_.end()) {
        return;
    }
    auto& episode = found->second;
    if (episode.running) {
        episode.answered = true;
        return;
    }
    // An instance that dies at once must not make a tight loop of starts.
    look_again(function, episode, episode.begun + episode.pause - Clock::now());
}

void Activations::start(const model::Identity& function, Episode& episode) {
    log::info("{} is called and has no instance: starting one", function.text());
    episode.running = true;
    episode.answered = false;
    episode.begun = Clock::now();
    ++started_;
    activator_->activate(
        function, [this, function, alive = std::weak_ptr(alive_)](const util::Result<void>& r) {
            if (!alive.expired()) {
                done(function, r);
            }
        });
}

void Activations::done(const model::Identity& function, const util::Result<void>& result) {
    auto& episode = episodes_.at(function);
    episode.running = false;
    if (!result) {
        ++failed_;
        look_again(function, episode, episode.pause);
        log::warning(
            "starting an instance of {} failed, next try in {} ms if it is still called: {}",
            function.text(), episode.pause.count(), result.error().text());
    } else if (episode.answered) {
        look_again(function, episode, episode.begun + episode.pause - Clock::now());
    } else {
        look_again(function, episode, options_.wait);
    }
}

void Activations::look_again(const model::Identity& function, Episode& episode,
                             std::chrono::nanoseconds delay) {
    loop_.cancel(episode.timer);
    const auto at_once = std::chrono::nanoseconds::zero();
    episode.timer = loop_.after(std::max(delay, at_once), [this, function] {
        const auto found = episodes_.find(function);
        if (!wanted_(function)) {
            episodes_.erase(found);
            return;
        }
        found->second.pause = std::min(found->second.pause * 2, options_.retry_max);
        start(function, found->second);
    });
}

}  // namespace directfaas::hold
