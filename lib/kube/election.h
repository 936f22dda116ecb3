// SPDX-License-Identifier: Apache-2.0
// Who of several processes leads: whoever holds a Lease and renews it. Whether somebody else's has
// run out is judged by this process's own clock since that Lease was last seen to change, never by
// the times written in it.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "lib/kube/client.h"

namespace directfaas::kube {

struct ElectionOptions {
    std::string ns;
    std::string name;      // of the Lease
    std::string identity;  // of this process, unlike all others: pod name and a random part
    std::chrono::milliseconds lease{15000};     // others wait so long after the last sign of life
    std::chrono::milliseconds deadline{10000};  // a leader that cannot renew so long is none
    std::chrono::milliseconds retry{2000};
};

class Election {
   public:
    using Clock = std::chrono::steady_clock;
    using Now = std::function<Clock::time_point()>;

    /// One thread at a time. `client` must outlive it; its patience must be below the deadline.
    Election(Client& client, ElectionOptions options, Now now = Clock::now);

    /// Takes the Lease if it is free, renews it if it is held. Call every `retry`, or a little
    /// later.
    void step();
    /// Gives the Lease back, if it is held, so that nobody has to wait.
    void resign();

    /// Becomes false by itself when the Lease could not be renewed in time.
    [[nodiscard]] bool leading() const;
    /// Who holds the Lease, as last seen; empty: nobody.
    [[nodiscard]] const std::string& holder() const { return seen_.holder; }
    /// Why the last step() failed, if it did.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }

   private:
    /// The parts of a Lease that count.
    struct Record {
        std::string version;
        std::string holder;
        std::string acquired;
        std::string renewed;
        int transitions = 0;

        [[nodiscard]] bool same_sign_of_life(const Record& other) const {
            return holder == other.holder && renewed == other.renewed &&
                   transitions == other.transitions;
        }
    };

    [[nodiscard]] static std::optional<Record> read(const std::string& lease);
    [[nodiscard]] std::string text_of(const Record& record) const;
    void look();
    void write(Record record);
    void note(const Record& record);

    Client& client_;
    ElectionOptions options_;
    Now now_;
    Resource leases_;
    bool exists_ = false;
    Record seen_;
    Clock::time_point seen_at_;                // when `seen_` last showed a sign of life
    std::optional<Clock::time_point> led_at_;  // when the last successful renewal was begun
    std::string trouble_;
};

}  // namespace directfaas::kube
