// SPDX-License-Identifier: Apache-2.0
// Which of this node's troubles become Events of the cluster, and how often: one that stands is
// told once, and again only before the apiserver forgets it; one that happens many times is told
// with its count. Knows no apiserver; the time is given.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lib/kube/events.h"

namespace directfaas::cluster_events {

using Clock = std::chrono::steady_clock;

/// An object as an Event names it. No namespace: of the whole cluster.
struct Regarding {
    std::string api_version;
    std::string kind;
    std::string ns;
    std::string name;
    std::string uid;  // empty: not known; `kubectl describe` then does not show the Event

    auto operator<=>(const Regarding&) const = default;
};

/// Something is not as it should be, for as long as it is among what look() is given. One trouble
/// for each object and reason.
struct Trouble {
    Regarding regarding;
    std::string reason;
    std::string action;
    std::string note;
    std::chrono::seconds patience{0};  // it is told if it stands so long
    std::string over_reason;           // of the Event that says that it is over
    std::string over_note;
};

/// Something that comes and is over, perhaps many times.
struct Happening {
    Regarding regarding;
    std::string reason;
    std::string action;
    std::string note;
};

struct TellerOptions {
    /// A trouble that stands is told again; apiservers keep Events for an hour.
    std::chrono::seconds again{3300};
    /// The earliest time at which a trouble with another note, or a happening, is told again.
    std::chrono::seconds pause{300};
    /// Troubles, and kinds of happenings, that are followed; more are not told.
    std::size_t max = 1024;
};

class Teller {
   public:
    using Tell = std::function<void(kube::Event)>;
    /// Whether the object of a trouble that is over is still there, so that it can be told of.
    using Exists = std::function<bool(const Regarding&)>;

    explicit Teller(Tell tell, TellerOptions options = {})
        : tell_(std::move(tell)), options_(options) {}

    /// All troubles of now. Also tells what happened since it was told last. `now` must not go
    /// back.
    void look(std::vector<Trouble> troubles, const Exists& exists, Clock::time_point now);
    /// The first one is told at once, those within `pause` after it together, by look().
    void happened(const Happening& what, std::uint64_t times, Clock::time_point now);

   private:
    using Key = std::pair<Regarding, std::string>;  // object and reason
    struct Standing {
        Trouble trouble;
        Clock::time_point since;
        Clock::time_point told_at;
        std::string told_note;  // empty: not told
    };
    struct Counted {
        Happening what;
        std::uint64_t times = 0;  // not told yet
        Clock::time_point told_at;
    };

    void tell_if_due(Standing& standing, Clock::time_point now);
    void tell_counted(Counted& counted, Clock::time_point now);

    Tell tell_;
    TellerOptions options_;
    std::map<Key, Standing> standing_;
    std::map<Key, Counted> counted_;
};

}  // namespace directfaas::cluster_events
