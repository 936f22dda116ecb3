// SPDX-License-Identifier: Apache-2.0
// When the calls of a line may be sent on: what the rules and the port proof say.
#include <algorithm>
#include <iterator>

#include "agent/hold/hold_state.h"

namespace directfaas::hold {
namespace {

constexpr int kSentPerTurn = 128;  // so that the loop's other work gets its turn

}  // namespace

HoldQueue::State::LinePtr HoldQueue::State::line_for(const backend::HeldPacket& packet) {
    const auto& flow = packet.flow;
    const model::RouteKey route{flow.destination, flow.destination_port,
                                static_cast<util::Protocol>(flow.protocol)};
    const bool is_source = packet.kind == backend::HeldPacket::Kind::kUnknownSource;
    const Awaited awaited = is_source ? Awaited(flow.source) : Awaited(route);
    auto& line = lines[awaited];
    if (!line) {
        line = std::make_shared<Line>();
        line->awaited = awaited;
    }
    if (!is_source) {
        routes_of.erase({line->function, route});  // the vIP may have had another owner
        line->function = packet.to;
        routes_of.insert({line->function, route});
    }
    return line;
}

void HoldQueue::State::refresh(const LinePtr& line) {
    if (rules == nullptr) {
        return;
    }
    if (const auto* route = std::get_if<model::RouteKey>(&line->awaited)) {
        refresh_route(line, *route);
    } else if (rules->addresses.contains(std::get<util::IpAddress>(line->awaited))) {
        open(line, std::nullopt);
    } else {
        line->open = false;
    }
}

void HoldQueue::State::refresh_route(const LinePtr& line, const model::RouteKey& route) {
    const auto rule = rules->routes.find(route);
    const auto endpoints = ready(route);
    if (line->proven && std::ranges::find(endpoints, *line->proven) != endpoints.end()) {
        return;  // open, and the reason still holds
    }
    line->open = false;
    line->proven.reset();
    if (endpoints.empty() || line->waiting.empty()) {
        proof.stop(route);
    }
    if (line->waiting.empty()) {
        return;
    }
    if (rule == rules->routes.end()) {
        refuse_waiting(line);
        return;
    }
    const bool refused = endpoints.empty() && rule->second.when_empty == model::WhenEmpty::kRefuse;
    if (refused || rule->second.function != line->function) {
        open(line, std::nullopt);  // the switch knows what to do with such a call
        return;
    }
    if (endpoints.empty()) {
        activations.need(line->function);
        return;
    }
    // No proof of a datagram port is possible, and an instance of another node is proven there.
    const auto trusted = std::ranges::find_if(endpoints, [&route](const auto& endpoint) {
        return route.protocol == util::Protocol::kUdp || endpoint.ifindex == 0;
    });
    if (trusted != endpoints.end()) {
        open(line, *trusted);
    } else {
        proof.prove(route, endpoints);
    }
}

void HoldQueue::State::open(const LinePtr& line,
                            const std::optional<model::RouteEndpoint>& because) {
    line->open = true;
    line->proven = because;
    line->opened = Clock::now();
    if (const auto* route = std::get_if<model::RouteKey>(&line->awaited)) {
        proof.stop(*route);
    }
    pump(line);
}

void HoldQueue::State::pump(const LinePtr& line) {
    loop.cancel(line->pump);
    line->pump = 0;
    for (int sent = 0; line->open && !line->waiting.empty(); ++sent) {
        if (sent == kSentPerTurn) {
            line->pump = loop.after({}, [this, line] { pump(line); });
            return;
        }
        send(*line->waiting.front());
    }
}

void HoldQueue::State::refuse_waiting(const LinePtr& line) {
    while (!line->waiting.empty()) {
        refuse(*line->waiting.front(), counters.removed);
    }
}

void HoldQueue::State::erase(const Line& line) {
    loop.cancel(line.pump);
    if (const auto* route = std::get_if<model::RouteKey>(&line.awaited)) {
        proof.stop(*route);
        routes_of.erase({line.function, *route});
    }
    lines.erase(line.awaited);
}

void HoldQueue::State::refresh_known(const Awaited& awaited) {
    if (const auto found = lines.find(awaited); found != lines.end()) {
        const auto line = found->second;
        refresh(line);
    }
}

void HoldQueue::State::refresh_all() {
    const auto now = lines;  // a copy, as lines end with their last call
    for (const auto& [awaited, line] : now) {
        refresh(line);
    }
}

void HoldQueue::State::judge_revoked(const model::AllowKey& edge) {
    for (const auto& line : lines_of(edge.to)) {
        std::vector<Call*> judged;
        std::ranges::copy_if(line->waiting, std::back_inserter(judged),
                             [&edge](const Call* call) { return call->from == edge.from; });
        std::ranges::for_each(judged, [this](Call* call) { send(*call); });
    }
}

std::vector<HoldQueue::State::LinePtr> HoldQueue::State::lines_of(
    const model::Identity& function) const {
    std::vector<LinePtr> out;
    for (auto at = routes_of.lower_bound({function, {}});
         at != routes_of.end() && at->first == function; ++at) {
        out.push_back(lines.at(at->second));
    }
    return out;
}

bool HoldQueue::State::wants_instance(const model::Identity& function) const {
    return std::ranges::any_of(lines_of(function), [this](const LinePtr& line) {
        return !line->waiting.empty() && ready(std::get<model::RouteKey>(line->awaited)).empty();
    });
}

std::vector<model::RouteEndpoint> HoldQueue::State::ready(const model::RouteKey& route) const {
    std::vector<model::RouteEndpoint> out;
    if (rules == nullptr) {
        return out;
    }
    if (const auto rule = rules->routes.find(route); rule != rules->routes.end()) {
        std::ranges::copy_if(rule->second.endpoints, std::back_inserter(out),
                             [](const auto& e) { return e.state == model::EndpointState::kReady; });
    }
    return out;
}

}  // namespace directfaas::hold
