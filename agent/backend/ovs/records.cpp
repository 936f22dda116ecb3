// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/records.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <sstream>

#include "agent/backend/ovs/compile.h"
#include "agent/backend/ovs/json.h"
#include "lib/util/log.h"

namespace directfaas::backend::ovs {
namespace {

Json ports_json(const std::set<model::PortProtocol>& ports) {
    Json list = Json::array();
    for (const auto& port : ports) {
        list.push_back({port.port, static_cast<int>(port.protocol)});
    }
    return list;
}

std::set<model::PortProtocol> ports_from(const Json& list) {
    std::set<model::PortProtocol> ports;
    for (const Json& port : list) {
        ports.insert(
            {port.at(0).get<std::uint16_t>(), static_cast<util::Protocol>(port.at(1).get<int>())});
    }
    return ports;
}

Json identity_json(const model::Identity& identity) {
    return {static_cast<int>(identity.kind), identity.name.ns, identity.name.name};
}

model::Identity identity_from(const Json& json) {
    return {static_cast<model::IdentityKind>(json.at(0).get<int>()),
            {json.at(1).get<std::string>(), json.at(2).get<std::string>()}};
}

/// Reads flows in two passes: first what numbers mean, then what uses them.
class StateReader {
   public:
    explicit StateReader(const std::vector<FoundFlow>& flows) : flows_(flows) {}
    State read();

   private:
    void read_name(const FoundFlow& flow, const Json& note);
    void read_use(const FoundFlow& flow, const Json& note);
    void read_plain(const FoundFlow& flow);
    void read_base(const FoundFlow& flow);
    using Step = void (StateReader::*)(const FoundFlow&, const Json&);
    void read_notes(Step step, std::initializer_list<Owner> owners);
    [[nodiscard]] const model::Identity* identity(std::uint64_t number) const {
        const auto found = names_.find(static_cast<std::uint32_t>(number));
        return found == names_.end() ? nullptr : &found->second;
    }

    const std::vector<FoundFlow>& flows_;
    State state_;
    std::map<std::uint32_t, model::Identity> names_{{kOutside, {}}};
    std::map<std::uint32_t, model::RouteKey> routes_;
};

std::uint32_t number_of(const FoundFlow& flow) { return static_cast<std::uint32_t>(flow.cookie); }

void StateReader::read_name(const FoundFlow& flow, const Json& note) {
    const std::uint32_t number = number_of(flow);
    if (owner_of(flow.cookie) == Owner::kPipeline) {
        state_.instance = note.at("instance").get<std::string>();
        for (const auto& [key, next] :
             {std::pair{"identity", &state_.next_identity}, std::pair{"edge", &state_.next_edge},
              std::pair{"route", &state_.next_route},
              std::pair{"endpoint", &state_.next_endpoint}}) {
            *next = std::max(*next, note.at(key).get<std::uint32_t>());
        }
    } else if (owner_of(flow.cookie) == Owner::kIdentity) {
        const auto name = identity_from(note.at("n"));
        names_[number] = name;
        state_.identities[name] = number;
        state_.next_identity = std::max(state_.next_identity, number + 1);
        state_.rules.identities[name] = {
            .enforcement = static_cast<model::Enforcement>(note.at("e").get<int>()),
            .ingress = note.at("i").get<bool>(),
            .served = ports_from(note.at("s")),
            .open = ports_from(note.at("o")),
            .fast_path = note.value("p", true)};
    } else if (owner_of(flow.cookie) == Owner::kRoute) {
        const auto vip = flow.match.address(Field::kDestination4, Field::kDestination6);
        const auto protocol = flow.match.value(Field::kCtProtocol);
        const auto port = flow.match.value(Field::kCtDestinationPort);
        if (!vip || !port || !protocol) {
            return;
        }
        const model::RouteKey key{*vip, static_cast<std::uint16_t>(*port),
                                  static_cast<util::Protocol>(*protocol)};
        routes_[number] = key;
        state_.routes[key] = number;
        state_.endpoints[key];
        state_.next_route = std::max(state_.next_route, number + 1);
    }
}

void StateReader::read_use(const FoundFlow& flow, const Json& note) {
    const std::uint32_t number = number_of(flow);
    if (owner_of(flow.cookie) == Owner::kRoute) {
        const auto key = routes_.find(number);
        const auto* function = identity(note.at("f").get<std::uint32_t>());
        if (key != routes_.end() && function != nullptr) {
            auto& rule = state_.rules.routes[key->second];
            rule.function = *function;
            rule.when_empty =
                note.at("h").get<bool>() ? model::WhenEmpty::kHold : model::WhenEmpty::kRefuse;
            rule.affinity = std::chrono::seconds{note.value("c", 0)};
        }
    } else if (owner_of(flow.cookie) == Owner::kEndpoint) {
        const auto key = routes_.find(note.at("r").get<std::uint32_t>());
        const auto address = util::IpAddress::parse(note.at("a").get<std::string>());
        state_.next_endpoint = std::max(state_.next_endpoint, number + 1);
        if (key == routes_.end() || !address) {
            return;
        }
        const auto port = note.at("p").get<std::uint16_t>();
        state_.endpoints[key->second][{*address, port}] = number;
        state_.rules.routes[key->second].endpoints.push_back(
            {*address, port, static_cast<model::EndpointState>(note.at("s").get<int>()),
             note.at("i").get<unsigned>()});
    } else if (owner_of(flow.cookie) == Owner::kPod) {
        const model::ObjectName name{note.at("p").at(0), note.at("p").at(1)};
        PodPlace place{static_cast<std::uint16_t>(number), note.at("o").get<std::uint32_t>(),
                       note.at("m").get<Mac>()};
        model::AttachRule rule{.identity = identity_from(note.at("n")),
                               .ifindex = note.at("i").get<unsigned>(),
                               .addresses = {},
                               .adopted = note.at("d").get<bool>(),
                               .fast_path = note.value("f", true)};
        for (const Json& text : note.at("a")) {
            if (const auto address = util::IpAddress::parse(text.get<std::string>())) {
                rule.addresses.push_back(*address);
            }
        }
        state_.pods[name] = place;
        state_.rules.attachments[name] = std::move(rule);
    }
}

/// Flows that say it all by themselves.
void StateReader::read_plain(const FoundFlow& flow) {
    if (owner_of(flow.cookie) == Owner::kAddress && flow.table == table::kSource) {
        const auto address = flow.match.address(Field::kSource4, Field::kSource6);
        const auto* owner = identity(number_of(flow));
        if (address && owner != nullptr) {
            state_.rules.addresses[*address] = *owner;
        }
    } else if (owner_of(flow.cookie) == Owner::kEdge && flow.table == table::kEdge) {
        const auto* from = identity(flow.match.value(field::kFrom).value_or(0));
        const auto* to = identity(flow.match.value(field::kTo).value_or(0));
        state_.next_edge = std::max(state_.next_edge, number_of(flow) + 1);
        if (from != nullptr && to != nullptr) {
            state_.rules.allowed.insert({*from, *to});
            state_.edges[{*from, *to}] = number_of(flow);
        }
    } else if (const auto pair = pair_of(flow)) {
        state_.pairs.insert(*pair);
    }
}

void StateReader::read_base(const FoundFlow& flow) {
    const auto note = find_note(flow.actions);
    if (!note) {
        return;
    }
    std::istringstream in(*note);
    Base base;
    if (in >> base.packets >> base.bytes) {  // not so in a record, which begins with a bracket
        state_.bases[flow.key()] = base;
    }
}

/// Notes are not kept between the steps: parsed, 100 000 of them are much larger than their text.
void StateReader::read_notes(Step step, std::initializer_list<Owner> owners) {
    for (const FoundFlow& flow : flows_) {
        if (std::ranges::find(owners, owner_of(flow.cookie)) == owners.end()) {
            continue;
        }
        const auto note = find_note(flow.actions);
        const auto json = note ? Json::parse(*note, nullptr, false) : Json();
        if (!json.is_object()) {
            continue;
        }
        try {
            (this->*step)(flow, json);
        } catch (const Json::exception& error) {
            util::log::warning(
                "a flow's note is no record of this version ({}): it counts as missing and is "
                "written anew",
                error.what());
        }
    }
}

State StateReader::read() {
    read_notes(&StateReader::read_name, {Owner::kPipeline, Owner::kIdentity, Owner::kRoute});
    read_notes(&StateReader::read_use, {Owner::kRoute, Owner::kEndpoint, Owner::kPod});
    for (const FoundFlow& flow : flows_) {
        read_base(flow);
    }
    for (const FoundFlow& flow : flows_) {
        read_plain(flow);
    }
    for (auto& [key, rule] : state_.rules.routes) {
        std::ranges::sort(rule.endpoints);
    }
    return std::move(state_);
}

}  // namespace

std::string identity_record(const model::Identity& identity, const model::IdentityRule& rule) {
    return Json{{"n", identity_json(identity)},
                {"e", static_cast<int>(rule.enforcement)},
                {"i", rule.ingress},
                {"s", ports_json(rule.served)},
                {"o", ports_json(rule.open)},
                {"p", rule.fast_path}}
        .dump();
}

std::string route_record(std::uint32_t function, const model::RouteRule& rule) {
    Json note{{"f", function}, {"h", rule.when_empty == model::WhenEmpty::kHold}};
    if (rule.affinity.count() != 0) {
        note["c"] = rule.affinity.count();
    }
    return note.dump();
}

std::string endpoint_record(std::uint32_t route, const model::RouteEndpoint& endpoint) {
    return Json{{"r", route},
                {"a", endpoint.address.text()},
                {"p", endpoint.port},
                {"s", static_cast<int>(endpoint.state)},
                {"i", endpoint.ifindex}}
        .dump();
}

std::string pod_record(const model::ObjectName& name, const model::AttachRule& rule,
                       const PodPlace& place) {
    Json addresses = Json::array();
    for (const auto& address : rule.addresses) {
        addresses.push_back(address.text());
    }
    return Json{{"p", {name.ns, name.name}}, {"n", identity_json(rule.identity)},
                {"i", rule.ifindex},         {"a", addresses},
                {"d", rule.adopted},         {"f", rule.fast_path},
                {"o", place.port},           {"m", place.mac}}
        .dump();
}

std::string numbers_record(const State& state, const std::string& instance) {
    return Json{{"instance", instance},
                {"identity", state.next_identity},
                {"edge", state.next_edge},
                {"route", state.next_route},
                {"endpoint", state.next_endpoint}}
        .dump();
}

State read_state(const std::vector<FoundFlow>& flows) { return StateReader(flows).read(); }

}  // namespace directfaas::backend::ovs
