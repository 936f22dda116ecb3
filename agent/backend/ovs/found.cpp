// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/found.h"

#include <netinet/in.h>

#include <algorithm>
#include <tuple>

namespace directfaas::backend::ovs {

std::optional<FlowTuple> opened_as(const Match& fields, const FlowTuple& packet) {
    const auto source = fields.address(Field::kCtSource4, Field::kCtSource6);
    const auto destination = fields.address(Field::kCtDestination4, Field::kCtDestination6);
    if (!source || !destination) {
        return std::nullopt;
    }
    FlowTuple opened = packet;
    opened.source = *source;
    opened.destination = *destination;
    // The tracker's ports of an ICMP message are its type and code.
    if (packet.protocol == IPPROTO_TCP || packet.protocol == IPPROTO_UDP) {
        const auto port = [&](Field field) {
            return static_cast<std::uint16_t>(fields.value(field).value_or(0));
        };
        opened.source_port = port(Field::kCtSourcePort);
        opened.destination_port = port(Field::kCtDestinationPort);
    }
    return opened;
}

model::Identity name_of(const State& state, std::uint32_t number) {
    for (const auto& [identity, known] : state.identities) {
        if (known == number) {
            return identity;
        }
    }
    return {};
}

unsigned ifindex_of_port(const State& state, std::uint32_t port) {
    for (const auto& [pod, place] : state.pods) {
        if (place.port == port) {
            return state.rules.attachments.at(pod).ifindex;
        }
    }
    return 0;
}

unsigned ifindex_of_address(const State& state, const util::IpAddress& address) {
    for (const auto& [pod, rule] : state.rules.attachments) {
        if (std::ranges::find(rule.addresses, address) != rule.addresses.end()) {
            return rule.ifindex;
        }
    }
    return 0;
}

FlowTuple as_instance_sent(const State& state, FlowTuple answer, std::uint32_t endpoint) {
    for (const auto& [route, numbers] : state.endpoints) {
        for (const auto& [end, number] : numbers) {
            if (number == endpoint) {
                std::tie(answer.source, answer.source_port) = end;
                return answer;
            }
        }
    }
    return answer;
}

}  // namespace directfaas::backend::ovs
