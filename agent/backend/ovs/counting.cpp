// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/counting.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <optional>
#include <string_view>

#include "agent/backend/ovs/compile.h"
#include "agent/backend/ovs/tables.h"
#include "lib/util/number.h"

namespace directfaas::backend::ovs {
namespace {

using util::Result;

constexpr std::size_t kEthernetHeader = 14;

/// ovs-vswitchd does nothing else while it tells of so many flows: a millisecond, about. Each slice
/// goes over the whole table once, so there are not more than so many.
constexpr std::size_t kSlice = 256;
constexpr std::size_t kMostSlices = 64;

/// The value of "name=" in one line of the dump, up to a comma, a bracket or the end.
std::string_view value_of(std::string_view line, std::string_view name) {
    const auto at = line.find(name);
    if (at == std::string_view::npos) {
        return {};
    }
    line.remove_prefix(at + name.size());
    return line.substr(0, line.find_first_of(",)\n"));
}

std::optional<std::uint64_t> number(std::string_view text) {
    int base = 10;
    if (text.starts_with("0x")) {
        text.remove_prefix(2);
        base = 16;
    }
    return util::parse_number<std::uint64_t>(text, base);
}

bool over(std::string_view line) {
    const auto state = value_of(line, "protoinfo=(state=");
    return state == "TIME_WAIT" || state == "CLOSED" || state == "FIN_WAIT_2" || state == "CLOSING";
}

void read_line(std::string_view line, OpenConnections& open) {
    const auto zone = number(value_of(line, ",zone="));
    const auto mark = number(value_of(line, ",mark="));
    if (!zone || *zone < kZoneFirst || *zone >= kZoneFirst + kZoneCount || over(line)) {
        return;
    }
    ++open.all;
    if (!mark || (*mark & kMarkUncounted) != 0) {
        return;
    }
    ++open.by_mark[static_cast<std::uint32_t>(*mark)];
    const auto reply = line.find("reply=(src=");
    if (*mark == kMarkFree || reply == std::string_view::npos) {
        return;
    }
    const auto address = util::IpAddress::parse(value_of(line.substr(reply), "reply=(src="));
    if (address) {
        ++open.by_instance[*address];
    }
}

const Base& at(const Totals& totals, const FlowKey& key) {
    static const Base kNothing;
    const auto found = totals.find(key);
    return found == totals.end() ? kNothing : found->second;
}

/// Flows count frames; rules speak of IP packets.
std::uint64_t ip_bytes(const Base& base) {
    return base.bytes - std::min(base.bytes, base.packets * kEthernetHeader);
}

void count_edges(const State& state, const Totals& totals, const OpenConnections& open,
                 Counters& counters) {
    for (const auto& [edge, mark] : state.edges) {
        EdgeCounters& counted = counters.edges[edge];
        counted.opened = at(totals, edge_opened_counter(mark)).packets;
        counted.bytes_request = ip_bytes(at(totals, edge_bytes_counter(mark, false)));
        counted.bytes_reply = ip_bytes(at(totals, edge_bytes_counter(mark, true)));
        const auto now = open.by_mark.find(mark);
        counted.open = now == open.by_mark.end() ? 0 : now->second;
        if (edge.to.kind == model::IdentityKind::kFunction) {
            counters.functions[edge.to].opened += counted.opened;
        }
    }
}

void count_functions(const State& state, const Totals& totals, Counters& counters) {
    for (const auto& [identity, rule] : state.rules.identities) {
        if (identity.kind != model::IdentityKind::kFunction) {
            continue;
        }
        FunctionCounters& counted = counters.functions[identity];
        const auto told = [&](FunctionTold what) {
            return at(totals, function_counter(state.known(identity), what)).packets;
        };
        counted.opened += told(FunctionTold::kOpened);
        counted.held = told(FunctionTold::kHeld);
        counted.no_endpoint = told(FunctionTold::kNoEndpoint);
        counted.zero_syn = counted.held + counted.no_endpoint;
        counted.denied = told(FunctionTold::kDenied);
        counted.audited = told(FunctionTold::kAudited);
    }
}

void count_pairs(const State& state, const Totals& totals, Counters& counters) {
    std::map<std::uint32_t, model::Identity> names{{kOutside, {}}};
    for (const auto& [identity, known] : state.identities) {
        names[known] = identity;
    }
    for (const auto& pair : state.pairs) {
        const auto from = names.find(pair.from);
        const auto to = names.find(pair.to);
        if (from != names.end() && to != names.end()) {
            counters.denied.push_back({from->second, to->second, pair.reason,
                                       at(totals, pair_flow(state, pair).key()).packets});
        }
    }
}

}  // namespace

Result<std::vector<FoundFlow>> CountingFlows::read(Bridge& bridge) {
    std::vector<FoundFlow> all;
    for (auto& [counted, size] : sizes_) {
        const auto slices = std::bit_ceil(std::clamp<std::size_t>(size / kSlice, 1, kMostSlices));
        const auto before = all.size();
        for (unsigned slice = 0; slice < slices; ++slice) {
            auto flows = bridge.flows(counted, slice, static_cast<unsigned>(slices));
            if (!flows) {
                return flows;
            }
            std::ranges::move(*flows, std::back_inserter(all));
        }
        size = all.size() - before;
    }
    return all;
}

Counted sum_up(const std::vector<FoundFlow>& flows) {
    Counted counted;
    for (const FoundFlow& flow : flows) {
        Base total{flow.packets, flow.bytes};
        if (const auto pair = pair_of(flow)) {
            counted.pairs.insert(*pair);
            total.packets += 1;  // the one that made the flow
        }
        counted.totals.emplace(flow.key(), total);
    }
    return counted;
}

void add_earlier(Counted& counted, State& state) {
    for (const auto& [key, base] : state.bases) {
        const auto found = counted.totals.find(key);
        if (found == counted.totals.end()) {
            continue;
        }
        // A pair's flow that was put in by us was not made by a packet.
        found->second.packets += base.packets - (key.table == table::kPair ? 1 : 0);
        found->second.bytes += base.bytes;
    }
    state.pairs.insert(counted.pairs.begin(), counted.pairs.end());
}

OpenConnections read_open_connections(const std::string& dump) {
    OpenConnections open;
    for (std::string_view rest = dump; !rest.empty();) {
        const auto end = std::min(rest.find('\n'), rest.size() - 1);
        read_line(rest.substr(0, end + 1), open);
        rest.remove_prefix(end + 1);
    }
    return open;
}

Counters make_counters(const State& state, const Totals& totals, const OpenConnections& open) {
    Counters counters;
    counters.closings = false;
    counters.handshakes = false;
    count_edges(state, totals, open, counters);
    count_functions(state, totals, counters);
    count_pairs(state, totals, counters);
    for (std::uint32_t reason = 0; reason < DF_REASON_MAX; ++reason) {
        for (const auto hook : {DF_HOOK_FROM_POD, DF_HOOK_TO_POD}) {
            const auto& total = at(totals, tally_counter(static_cast<df_reason>(reason), hook));
            counters.drops.push_back(
                {static_cast<df_reason>(reason), hook, total.packets, total.bytes});
        }
    }
    counters.open_by_instance = open.by_instance;
    counters.tables.push_back({"connections", open.all, 0, 0});
    return counters;
}

}  // namespace directfaas::backend::ovs
