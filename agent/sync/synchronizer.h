// SPDX-License-Identifier: Apache-2.0
// Makes the backend follow the model: applies what changes at once, and what failed again and
// again, from what is really installed. Desired state is never lost, because it is never queued.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/backend/backend.h"
#include "agent/sync/sync_status.h"
#include "lib/model/model.h"
#include "lib/util/backoff.h"
#include "lib/util/event_loop.h"

namespace directfaas::sync {

struct SyncOptions {
    std::chrono::milliseconds retry_first{100};  // after a failure; doubles up to retry_max
    std::chrono::milliseconds retry_max{30000};
    std::chrono::milliseconds compare_period{300000};  // full comparison with what is installed
    std::uint64_t seed = 0;                            // of the jitter; differs between nodes
};

/// Owns the model. Everything on the loop's thread; loop and backend must outlive it.
class Synchronizer {
   public:
    /// Told after the backend follows `delta`; `rules` is the model's, at its place for good.
    using Applied = std::function<void(const model::RuleDelta& delta, const model::RuleSet& rules)>;

    Synchronizer(util::EventLoop& loop, backend::Backend& backend, model::Model model,
                 SyncOptions options);
    Synchronizer(const Synchronizer&) = delete;
    Synchronizer& operator=(const Synchronizer&) = delete;
    ~Synchronizer();

    void on_applied(Applied applied) { applied_ = std::move(applied); }
    /// `prepare` runs at the end of a turn that changed objects; what it does with set_link() goes
    /// into the same delta, so that a new pod is attached with the rules that speak of it.
    void on_objects_changed(std::function<void()> prepare) { prepare_ = std::move(prepare); }

    /// Model::replace_all; the change is applied at the end of this turn of the loop, together
    /// with the others of the turn. Returns why it was refused, nothing when it was taken.
    std::vector<model::Problem> replace_all(std::vector<model::OriginContent> contents);
    /// Model::set_link, likewise.
    void set_link(const model::ObjectName& pod, std::optional<model::Link> link);

    /// Until this call nothing is applied, so that a half-read source withdraws nothing. Reads
    /// back what an earlier process left, converges, and goes on from there.
    void start();
    /// Applies now what is pending, without waiting for the end of the turn.
    void flush();
    /// Compares with what is installed and repairs; what the timer does.
    void compare();

    [[nodiscard]] const model::Model& model() const { return model_; }
    [[nodiscard]] SyncStatus status() const;
    /// Where the switch is in place for a pod, as applied; nothing if it is not.
    [[nodiscard]] std::optional<unsigned> attached(const model::ObjectName& pod) const {
        const auto found = attached_.find(pod);
        return found == attached_.end() ? std::nullopt : std::optional(found->second);
    }

   private:
    void note_change(const model::RuleDelta& delta);
    void schedule_flush();
    void end_turn();
    void deliver(model::RuleDelta delta);
    void release_memory_soon();
    util::Result<void> apply_recorded(const model::RuleDelta& delta);
    util::Result<void> detach_reused(const model::RuleDelta& delta);
    void keep_adopted(const model::RuleSet& installed);
    std::optional<model::RuleSet> read_back();
    void resync();
    void converge(const model::RuleSet& installed);
    void note_failure(const util::Error& error);
    void note_success();

    util::EventLoop& loop_;
    backend::Backend& backend_;
    model::Model model_;
    SyncOptions options_;
    util::Backoff backoff_;
    Applied applied_;
    std::function<void()> prepare_;

    model::RuleDelta pending_;
    bool objects_changed_ = false;
    bool flush_posted_ = false;
    bool converged_ = false;  // at least once since the process started
    bool dirty_ = false;      // something failed: what is installed is not known
    std::map<model::ObjectName, unsigned> attached_;  // pod -> ifindex, as applied
    std::set<std::string> logged_;                    // errors since the last success
    std::optional<util::EventLoop::TimerId> retry_;
    std::optional<util::EventLoop::TimerId> compare_timer_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for posted work
    SyncStatus status_;
};

}  // namespace directfaas::sync
