// SPDX-License-Identifier: Apache-2.0
// An apiserver with a state, a history and every fault that the real ones show, by chance: what a
// reflector must follow whatever happens.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "test/unit/kube/fake_apiserver.h"

namespace directfaas::kube {

class FaultyApiserver {
   public:
    /// Name → "uid/version".
    using State = std::map<std::string, std::string>;

    explicit FaultyApiserver(std::uint64_t seed) : random_(seed) {}
    ~FaultyApiserver() { end(); }
    FaultyApiserver(const FaultyApiserver&) = delete;
    FaultyApiserver& operator=(const FaultyApiserver&) = delete;

    /// One of: create, change, delete, recreate, forget history, go back to an earlier state.
    void step();
    /// From now on it makes no more faults.
    void calm_down();

    [[nodiscard]] State state() const;
    /// The kinds of faults made so far.
    [[nodiscard]] std::map<std::string, int> faults() const;
    [[nodiscard]] ClusterAccess access() const { return server_.access(); }

   private:
    struct Entry {
        std::string type;
        std::string object;
    };

    void end();
    bool chance(int percent);
    void fault(const std::string& name) { ++faults_[name]; }
    void record(const std::string& type, const std::string& name);
    void answer(const FakeRequest& request, FakeAnswer& out);
    void answer_list(const FakeRequest& request, FakeAnswer& out);
    void answer_watch(const FakeRequest& request, FakeAnswer& out);
    bool misbehave(FakeAnswer& out, bool between_events);
    [[nodiscard]] std::string page(int version, std::size_t from, std::size_t limit) const;

    mutable std::mutex mutex_;  // of all that follows
    std::condition_variable changed_;
    std::mt19937_64 random_;
    bool calm_ = false;
    bool ending_ = false;
    int version_ = 1;
    int compacted_ = 1;  // a watch from before is refused
    int next_uid_ = 1;
    std::map<int, State> states_{{1, {}}};
    std::map<int, Entry> history_;
    std::map<std::string, int> faults_;

    FakeApiserver server_{
        [this](const FakeRequest& request, FakeAnswer& out) { answer(request, out); }};
};

}  // namespace directfaas::kube
