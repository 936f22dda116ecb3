// SPDX-License-Identifier: Apache-2.0
// The flows that are always there, table by table in a packet's order. docs/ovs.md explains the
// way through them.
#pragma once

#include <vector>

#include "agent/backend/ovs/building.h"

namespace directfaas::backend::ovs {

/// Writes them, table by table.
class Pipeline {
   public:
    Pipeline(const State& state, const Settings& settings, const Surroundings& around)
        : state_(state), settings_(settings), around_(around) {}

    Flows build();

   private:
    // pipeline.cpp: until it is known what kind of packet it is
    void classify();
    void spoof();
    void zone();
    void state();
    void untranslated();
    void known();
    // pipeline_judge.cpp: a packet that opens something, until it is allowed or denied
    void new_in();
    void call_nobody();
    void call();
    void judge();
    void deny();
    // pipeline_open.cpp: the connection, the counters, the way out
    void accept();
    void keep();
    void count();
    void to_groups();
    void leave();
    void tally();
    void add(std::uint8_t in, std::uint16_t priority, const Match& match, const Actions& actions) {
        list_.add(in, priority, match, actions);
    }
    void add(std::uint8_t in, std::uint16_t priority, const std::vector<Match>& matches,
             const Actions& actions) {
        for (const Match& match : matches) {
            list_.add(in, priority, match, actions);
        }
    }

    const State& state_;
    const Settings& settings_;
    const Surroundings& around_;
    FlowList list_{Owner::kPipeline, 0};
};

/// Connection-tracking state as a match: all of `set` set, all of `clear` clear.
inline Match tracked(std::uint32_t set, std::uint32_t clear = 0) {
    Match match;
    match.with(Field::kCtState, set | kTracked, set | clear | kTracked);
    return match;
}

}  // namespace directfaas::backend::ovs
