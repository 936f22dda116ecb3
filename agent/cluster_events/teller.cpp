// SPDX-License-Identifier: Apache-2.0
#include "agent/cluster_events/teller.h"

#include <fmt/format.h>

namespace directfaas::cluster_events {
namespace {

using Type = kube::Event::Type;

kube::Event event_of(const Regarding& regarding, Type type, const std::string& reason,
                     const std::string& action, const std::string& note) {
    return {.api_version = regarding.api_version,
            .kind = regarding.kind,
            .ns = regarding.ns,
            .name = regarding.name,
            .uid = regarding.uid,
            .type = type,
            .reason = reason,
            .action = action,
            .note = note};
}

}  // namespace

void Teller::look(std::vector<Trouble> troubles, const Exists& exists, Clock::time_point now) {
    std::map<Key, Standing> left;
    for (auto& trouble : troubles) {
        const Key key{trouble.regarding, trouble.reason};
        auto node = standing_.extract(key);
        auto known = node.empty()
                         ? Standing{.trouble = {}, .since = now, .told_at = {}, .told_note = {}}
                         : std::move(node.mapped());
        if (left.size() >= options_.max) {
            continue;
        }
        known.trouble = std::move(trouble);
        tell_if_due(known, now);
        left.insert_or_assign(key, std::move(known));
    }
    standing_.swap(left);
    for (const auto& [key, over] : left) {
        const auto& trouble = over.trouble;
        if (!over.told_note.empty() && !trouble.over_reason.empty() && exists(trouble.regarding)) {
            tell_(event_of(trouble.regarding, Type::kNormal, trouble.over_reason, trouble.action,
                           trouble.over_note));
        }
    }
    for (auto it = counted_.begin(); it != counted_.end();) {
        auto& counted = it->second;
        const bool due = now - counted.told_at >= options_.pause;
        if (due && counted.times > 0) {
            tell_counted(counted, now);
        }
        it = due && counted.told_at != now ? counted_.erase(it) : std::next(it);
    }
}

void Teller::tell_if_due(Standing& standing, Clock::time_point now) {
    const auto& trouble = standing.trouble;
    if (now - standing.since < trouble.patience) {
        return;
    }
    const auto age = now - standing.told_at;
    const bool first = standing.told_note.empty();
    const bool changed = standing.told_note != trouble.note && age >= options_.pause;
    if (first || changed || age >= options_.again) {
        standing.told_at = now;
        standing.told_note = trouble.note;
        tell_(event_of(trouble.regarding, Type::kWarning, trouble.reason, trouble.action,
                       trouble.note));
    }
}

void Teller::happened(const Happening& what, std::uint64_t times, Clock::time_point now) {
    if (times == 0) {
        return;
    }
    const Key key{what.regarding, what.reason};
    auto found = counted_.find(key);
    if (found != counted_.end()) {
        found->second.what = what;
        found->second.times += times;
        return;
    }
    if (counted_.size() < options_.max) {
        auto& counted = counted_[key];
        counted.what = what;
        counted.times = times;
        tell_counted(counted, now);
    }
}

void Teller::tell_counted(Counted& counted, Clock::time_point now) {
    const auto& what = counted.what;
    tell_(event_of(
        what.regarding, Type::kWarning, what.reason, what.action,
        counted.times == 1 ? what.note : fmt::format("{} ({} times)", what.note, counted.times)));
    counted.times = 0;
    counted.told_at = now;
}

}  // namespace directfaas::cluster_events
