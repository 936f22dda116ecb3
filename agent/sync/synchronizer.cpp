// SPDX-License-Identifier: Apache-2.0
#include "agent/sync/synchronizer.h"

#include <utility>

#include "agent/sync/pieces.h"
#include "lib/util/log.h"
#include "lib/util/memory.h"

namespace directfaas::sync {
namespace {

namespace log = util::log;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMaxErrors = 32;   // rules looked for one by one in one attempt
constexpr std::size_t kLarge = 4096;     // statements; a delta of so many leaves much to give back
constexpr std::size_t kMaxLogged = 256;  // distinct messages between two successes

/// Adds the time from its making to its end to the histogram.
class Timed {
   public:
    explicit Timed(DurationHistogram& histogram) : histogram_(histogram) {}
    Timed(const Timed&) = delete;
    Timed& operator=(const Timed&) = delete;
    ~Timed() { histogram_.observe(SteadyClock::now() - begun_); }

   private:
    DurationHistogram& histogram_;
    SteadyClock::time_point begun_ = SteadyClock::now();
};

}  // namespace

Synchronizer::Synchronizer(util::EventLoop& loop, backend::Backend& backend, model::Model model,
                           SyncOptions options)
    : loop_(loop),
      backend_(backend),
      model_(std::move(model)),
      options_(options),
      backoff_({.first = options.retry_first, .max = options.retry_max}, options.seed) {}

Synchronizer::~Synchronizer() {
    *alive_ = false;
    for (const auto& timer : {retry_, compare_timer_}) {
        if (timer) {
            loop_.cancel(*timer);
        }
    }
}

std::vector<model::Problem> Synchronizer::replace_all(std::vector<model::OriginContent> contents) {
    auto delta = model_.replace_all(std::move(contents));
    if (!delta) {
        return std::move(delta.error());
    }
    objects_changed_ = true;
    note_change(*delta);
    return {};
}

void Synchronizer::set_link(const model::ObjectName& pod, std::optional<model::Link> link) {
    note_change(model_.set_link(pod, std::move(link)));
}

/// Before start() there is nothing to note: it compares all of the model with what is installed.
void Synchronizer::note_change(const model::RuleDelta& delta) {
    if (status_.started) {
        model::merge(pending_, delta);
        schedule_flush();
    }
}

void Synchronizer::schedule_flush() {
    if (std::exchange(flush_posted_, true)) {
        return;
    }
    loop_.post([this, alive = alive_] {
        if (*alive) {
            end_turn();
        }
    });
}

void Synchronizer::start() {
    if (std::exchange(status_.started, true)) {
        return;
    }
    if (std::exchange(objects_changed_, false) && prepare_) {
        prepare_();
    }
    const Timed timed(status_.duration);
    pending_ = {};  // part of the plan
    if (const auto installed = read_back()) {
        converge(*installed);
    }
    compare_timer_ = loop_.every(options_.compare_period, [this] { compare(); });
}

/// A pod that is still behind the interface where an earlier process attached it stays what it was
/// then: whether it had connections before that does not change by a restart of ours.
void Synchronizer::keep_adopted(const model::RuleSet& installed) {
    for (const auto& [pod, attachment] : installed.attachments) {
        const auto& wanted = model_.rules().attachments;
        const auto found = wanted.find(pod);
        if (found != wanted.end() && found->second.ifindex == attachment.ifindex &&
            found->second.adopted != attachment.adopted) {
            auto link = model_.link(pod);
            link->adopted = attachment.adopted;
            model_.set_link(pod, std::move(link));
        }
    }
}

void Synchronizer::end_turn() {
    flush_posted_ = false;
    if (std::exchange(objects_changed_, false) && prepare_) {
        prepare_();
    }
    flush();
}

void Synchronizer::flush() {
    if (!status_.started || pending_.empty()) {
        return;
    }
    const Timed timed(status_.duration);
    if (statements(pending_) >= kLarge) {
        release_memory_soon();
    }
    deliver(std::exchange(pending_, {}));
}

/// When the work at hand and what it needed are gone.
void Synchronizer::release_memory_soon() { loop_.post(util::release_free_memory); }

void Synchronizer::deliver(model::RuleDelta delta) {
    if (auto applied = apply_recorded(delta); applied) {
        ++status_.applied;
        note_success();
        return;
    }
    const auto errors = apply_in_pieces(
        std::move(delta), [this](const auto& piece) { return apply_recorded(piece); }, kMaxErrors);
    for (const auto& error : errors) {
        note_failure(error);
    }
    if (errors.empty()) {
        // Taken in pieces, but not whole: make sure by a comparison.
        note_failure({0, "the backend took these changes only one by one"});
    }
}

util::Result<void> Synchronizer::apply_recorded(const model::RuleDelta& delta) {
    if (auto detached = detach_reused(delta); !detached) {
        return detached;
    }
    if (auto applied = backend_.apply(delta); !applied) {
        ++status_.failed;
        return applied;
    }
    for (const auto& [pod, attachment] : delta.attachments) {
        attached_[pod] = attachment.ifindex;
    }
    for (const auto& pod : delta.detached) {
        attached_.erase(pod);
    }
    if (applied_) {
        applied_(delta, model_.rules());
    }
    return {};
}

/// Additions come before removals. Where a pod takes over the number of an interface of another
/// that is gone, the removal would then hit the newcomer; so it goes first.
util::Result<void> Synchronizer::detach_reused(const model::RuleDelta& delta) {
    model::RuleDelta first;
    for (const auto& pod : delta.detached) {
        const auto old = attached_.find(pod);
        if (old == attached_.end()) {
            continue;
        }
        for (const auto& [other, attachment] : delta.attachments) {
            if (attachment.ifindex == old->second) {
                first.detached.insert(pod);
            }
        }
    }
    if (first.empty()) {
        return {};
    }
    if (auto detached = backend_.apply(first); !detached) {
        ++status_.failed;
        return detached;
    }
    for (const auto& pod : first.detached) {
        attached_.erase(pod);
    }
    return {};
}

std::optional<model::RuleSet> Synchronizer::read_back() {
    release_memory_soon();
    auto installed = backend_.dump();
    if (!installed) {
        ++status_.failed;
        note_failure(installed.error().in("read back what is installed"));
        return std::nullopt;
    }
    return std::move(*installed);
}

void Synchronizer::resync() {
    retry_.reset();
    ++status_.resyncs;
    const Timed timed(status_.duration);
    if (const auto installed = read_back()) {
        converge(*installed);
    }
}

void Synchronizer::converge(const model::RuleSet& installed) {
    if (!std::exchange(converged_, true)) {
        keep_adopted(installed);
    }
    attached_.clear();
    for (const auto& [pod, attachment] : installed.attachments) {
        attached_[pod] = attachment.ifindex;
    }
    dirty_ = false;
    auto delta = model::plan(installed, model_.rules());
    if (delta.empty()) {
        note_success();
        if (applied_) {
            applied_(delta, model_.rules());
        }
        return;
    }
    deliver(std::move(delta));
}

void Synchronizer::compare() {
    if (!status_.started || dirty_) {
        return;  // the retry compares anyway
    }
    flush();
    const Timed timed(status_.duration);
    const auto installed = read_back();
    if (!installed) {
        return;
    }
    auto delta = model::plan(*installed, model_.rules());
    if (delta.empty()) {
        return;
    }
    ++status_.drifts;
    log::warning(
        "what is installed differs from what is wanted ({}): repairing. Something other "
        "than this agent changed the switch",
        describe(delta));
    converge(*installed);
}

void Synchronizer::note_failure(const util::Error& error) {
    status_.last_error = error.text();
    if (logged_.size() < kMaxLogged && logged_.insert(status_.last_error).second) {
        log::error("rules not in force: {}; trying again until they are", status_.last_error);
    }
    dirty_ = true;
    if (!retry_) {
        retry_ = loop_.after(backoff_.next(), [this] { resync(); });
    }
}

void Synchronizer::note_success() {
    if (dirty_) {
        return;  // an earlier change is still missing
    }
    if (!logged_.empty()) {
        log::info("all rules are in force again");
        logged_.clear();
    }
    backoff_.reset();
    status_.last_error.clear();
    status_.last_success = std::chrono::system_clock::now();
}

SyncStatus Synchronizer::status() const {
    auto status = status_;
    status.in_sync = status.started && !dirty_;
    return status;
}

}  // namespace directfaas::sync
