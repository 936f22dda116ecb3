// SPDX-License-Identifier: Apache-2.0
#include "agent/control/event_log.h"

#include <fmt/chrono.h>
#include <fmt/ranges.h>
#include <netinet/in.h>

#include <algorithm>
#include <utility>

#include "agent/control/words.h"

namespace directfaas::control {
namespace {

std::chrono::nanoseconds wall_minus_monotonic() {
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    const auto monotonic = std::chrono::steady_clock::now().time_since_epoch();  // CLOCK_MONOTONIC
    return std::chrono::duration_cast<std::chrono::nanoseconds>(wall) -
           std::chrono::duration_cast<std::chrono::nanoseconds>(monotonic);
}

std::string time_text(std::chrono::nanoseconds since_epoch) {
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(since_epoch);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(micros);
    const std::time_t whole = seconds.count();
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(whole),
                       (micros - seconds).count());
}

std::string protocol_text(std::uint8_t protocol) {
    switch (protocol) {
        case IPPROTO_TCP:
            return "TCP";
        case IPPROTO_UDP:
            return "UDP";
        case IPPROTO_ICMP:
        case IPPROTO_ICMPV6:
            return "ICMP";
        default:
            return std::to_string(protocol);
    }
}

bool identity_matches(const std::string& wanted, const model::Identity& identity) {
    if (wanted.empty()) {
        return true;
    }
    return identity.kind == model::IdentityKind::kOutside
               ? wanted == "outside"
               : wanted == identity.name.name || wanted == identity.name.text();
}

/// The enumerator called `name`, or a refusal that lists all names.
template <typename Enum, typename NameOf>
std::expected<Enum, Refusal> find_by_name(const char* what, const std::string& name, int count,
                                          NameOf name_of) {
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) {
        const auto candidate = static_cast<Enum>(i);
        if (name_of(candidate) == name) {
            return candidate;
        }
        names.emplace_back(name_of(candidate));
    }
    return std::unexpected(Refusal{"bad_request", fmt::format("there is no {} `{}`", what, name),
                                   fmt::format("known: {}", fmt::join(names, ", "))});
}

}  // namespace

Json event_json(const backend::FlowEvent& event, std::chrono::nanoseconds offset) {
    Json json{
        {"time", time_text(event.time + offset)},
        {"verdict", backend::verdict_name(event.verdict)},
        {"reason", backend::reason_name(event.reason)},
        {"hook", backend::hook_name(event.hook)},
        {"from", event.from.text()},
        {"to", event.to.text()},
        {"source", util::endpoint_text(event.flow.source, event.flow.source_port)},
        {"destination", util::endpoint_text(event.flow.destination, event.flow.destination_port)}};
    if (!event.instance.is_unspecified()) {
        json["instance"] = util::endpoint_text(event.instance, event.instance_port);
    }
    json["protocol"] = protocol_text(event.flow.protocol);
    json["length"] = event.length;
    return json;
}

std::expected<EventFilter, Refusal> EventFilter::parse(const std::string& verdict,
                                                       const std::string& reason,
                                                       const std::string& from,
                                                       const std::string& to) {
    EventFilter filter{.verdict = {}, .reason = {}, .from = from, .to = to};
    if (!verdict.empty()) {
        const auto found =
            find_by_name<df_verdict>("verdict", verdict, DF_VERDICT_MAX, backend::verdict_name);
        if (!found) {
            return std::unexpected(found.error());
        }
        filter.verdict = *found;
    }
    if (!reason.empty()) {
        const auto found =
            find_by_name<df_reason>("reason", reason, DF_REASON_MAX, backend::reason_name);
        if (!found) {
            return std::unexpected(found.error());
        }
        filter.reason = *found;
    }
    return filter;
}

bool EventFilter::matches(const backend::FlowEvent& event) const {
    return (!verdict || *verdict == event.verdict) && (!reason || *reason == event.reason) &&
           identity_matches(from, event.from) && identity_matches(to, event.to);
}

bool EventFilter::wants_allowed() const {
    return (!verdict || *verdict == DF_VERDICT_PASS) &&
           (!reason || !backend::reason_is_drop(*reason));
}

EventLog::EventLog(Outlet outlet, std::size_t remembered)
    : outlet_(std::move(outlet)), remembered_(remembered) {}

void EventLog::take(const backend::FlowEvent& event) {
    if (events_.size() == remembered_) {
        events_.pop_front();
    }
    events_.push_back(event);
    std::vector<ObserverId> matching;
    for (const auto& [id, follower] : followers_) {
        if (follower.filter.matches(event)) {
            matching.push_back(id);
        }
    }
    if (matching.empty()) {
        return;
    }
    const auto line = to_line(event_json(event, wall_minus_monotonic()));
    for (const auto id : matching) {
        outlet_.send(id, line);
        const auto follower = followers_.find(id);  // sending may have dropped it
        if (follower != followers_.end() && follower->second.left &&
            --*follower->second.left == 0) {
            followers_.erase(follower);
            outlet_.finish(id);
        }
    }
}

Json EventLog::recent(const EventFilter& filter, std::size_t limit) const {
    std::vector<const backend::FlowEvent*> found;
    for (auto event = events_.rbegin(); event != events_.rend() && found.size() < limit; ++event) {
        if (filter.matches(*event)) {
            found.push_back(&*event);
        }
    }
    const auto offset = wall_minus_monotonic();
    Json list = Json::array();
    for (auto event = found.rbegin(); event != found.rend(); ++event) {
        list.push_back(event_json(**event, offset));
    }
    return list;
}

void EventLog::follow(ObserverId id, EventFilter filter, std::optional<std::uint64_t> limit) {
    followers_[id] = Follower{std::move(filter), limit};
}

bool EventLog::allowed_wanted() const {
    return std::ranges::any_of(
        followers_, [](const auto& entry) { return entry.second.filter.wants_allowed(); });
}

}  // namespace directfaas::control
