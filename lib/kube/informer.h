// SPDX-License-Identifier: Apache-2.0
// A reflector whose objects arrive decoded on the event loop. Decoding and comparing happen on the
// watch's thread; between the threads there is one map of changes, newest state per object, so
// that a slow loop makes it no larger than the cluster is.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "lib/kube/reflector.h"
#include "lib/kube/store.h"
#include "lib/util/event_loop.h"

namespace directfaas::kube {

/// What a set of informers needs to know of one. On the loop's thread.
class InformerState {
   public:
    InformerState() = default;
    InformerState(const InformerState&) = delete;
    InformerState& operator=(const InformerState&) = delete;
    virtual ~InformerState() = default;

    /// The first list has been delivered.
    [[nodiscard]] virtual bool synced() const = 0;
    [[nodiscard]] virtual ReflectorStatus status() const = 0;
    [[nodiscard]] virtual const Resource& resource() const = 0;
};

template <typename T>
class Informer final : public InformerState {
   public:
    /// Runs on the watch's thread, so it must share nothing.
    using Decode = std::function<T(const RawObject&)>;
    /// Runs on the loop's thread. The first call, with the whole first list, comes also if the list
    /// is empty; synced() is true by then.
    using OnChanges = std::function<void(std::vector<Change<T>>)>;

    /// Starts at once. `loop` must outlive it; make and destroy it on the loop's thread.
    Informer(util::EventLoop& loop, std::unique_ptr<HttpTransport> transport, Resource resource,
             ReflectorOptions options, Decode decode, OnChanges on_changes)
        : inbox_(std::make_shared<Inbox>(loop, *this)),
          sink_(inbox_, std::move(decode)),
          on_changes_(std::move(on_changes)),
          reflector_(std::move(transport), std::move(resource), sink_, options) {
        reflector_.start();
    }
    ~Informer() override {
        reflector_.stop();
        inbox_->owner = nullptr;
    }

    [[nodiscard]] bool synced() const override { return synced_; }
    [[nodiscard]] ReflectorStatus status() const override { return reflector_.status(); }
    [[nodiscard]] const Resource& resource() const override { return reflector_.resource(); }

   private:
    struct Pending {
        std::optional<T> object;
        bool recreated = false;
    };

    /// Outlives the informer in what is posted to the loop.
    struct Inbox : std::enable_shared_from_this<Inbox> {
        Inbox(util::EventLoop& event_loop, Informer& informer)
            : loop(event_loop), owner(&informer) {}

        util::EventLoop& loop;
        Informer* owner;  // the loop's thread only

        std::mutex mutex;
        std::map<ObjectKey, Pending> changes;  // guarded by mutex
        bool listed = false;                   // likewise
        bool posted = false;                   // likewise

        void put(const ObjectKey& key, std::optional<T> object, bool recreated) {
            const std::scoped_lock lock(mutex);
            auto [found, is_new] = changes.try_emplace(key);
            auto& pending = found->second;
            const bool came_back = !is_new && !pending.object && object;
            pending.recreated = pending.recreated || recreated || came_back;
            pending.object = std::move(object);
        }
        void post(bool list_done) {
            {
                const std::scoped_lock lock(mutex);
                listed = listed || list_done;
                // Before the first list is whole there is nothing to tell.
                if (posted || !listed) {
                    return;
                }
                posted = true;
            }
            loop.post([self = this->shared_from_this()] {
                if (self->owner != nullptr) {
                    self->owner->deliver();
                }
            });
        }
    };

    /// Finds out what is new; the watch's thread only.
    class Sink final : public ReflectorSink {
       public:
        Sink(std::shared_ptr<Inbox> inbox, Decode decode)
            : inbox_(std::move(inbox)), decode_(std::move(decode)) {}

        void replace(const std::vector<RawObject>& objects) override {
            std::map<ObjectKey, Known> before;
            before.swap(known_);
            for (const auto& object : objects) {
                if (auto node = before.extract(object.key); !node.empty()) {
                    known_.insert(std::move(node));
                }
                take(object);
            }
            for (const auto& [key, known] : before) {
                inbox_->put(key, std::nullopt, false);
            }
            inbox_->post(true);
        }
        void upsert(const RawObject& object) override {
            take(object);
            inbox_->post(false);
        }
        void erase(const RawObject& object) override {
            if (known_.erase(object.key) > 0) {
                inbox_->put(object.key, std::nullopt, false);
                inbox_->post(false);
            }
        }

       private:
        /// Versions alone would not do: they are given out again when the storage is put back to
        /// an earlier state.
        struct Known {
            std::string uid;
            std::size_t hash = 0;
        };

        void take(const RawObject& object) {
            const auto hash = std::hash<std::string_view>{}(object.text);
            auto [known, is_new] = known_.try_emplace(object.key, Known{object.uid, hash});
            const bool recreated = !is_new && known->second.uid != object.uid;
            if (!is_new && !recreated && known->second.hash == hash) {
                return;
            }
            known->second = {object.uid, hash};
            inbox_->put(object.key, decode_(object), recreated);
        }

        std::shared_ptr<Inbox> inbox_;
        Decode decode_;
        std::map<ObjectKey, Known> known_;
    };

    void deliver() {
        std::map<ObjectKey, Pending> taken;
        {
            const std::scoped_lock lock(inbox_->mutex);
            taken.swap(inbox_->changes);
            inbox_->posted = false;
        }
        std::vector<Change<T>> changes;
        changes.reserve(taken.size());
        while (!taken.empty()) {
            auto node = taken.extract(taken.begin());
            changes.push_back(
                {std::move(node.key()), std::move(node.mapped().object), node.mapped().recreated});
        }
        const bool first = !std::exchange(synced_, true);
        if (first || !changes.empty()) {
            on_changes_(std::move(changes));
        }
    }

    std::shared_ptr<Inbox> inbox_;
    Sink sink_;
    OnChanges on_changes_;
    bool synced_ = false;
    Reflector reflector_;  // last: its thread uses the others
};

}  // namespace directfaas::kube
