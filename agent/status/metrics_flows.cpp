// SPDX-License-Identifier: Apache-2.0
// Families of functions and edges: what the switch counts about calls.
#include <cmath>

#include "agent/status/families.h"
#include "agent/status/metrics.h"

namespace directfaas::status {
namespace {

using backend::EdgeCounters;
using backend::FunctionCounters;
using prometheus::MetricFamily;

Labels function_labels(const model::Identity& function) {
    return {{"function_namespace", function.name.ns}, {"function", function.name.name}};
}

/// A caller may also be an entry or "outside", which have no function's name.
Labels pair_labels(const model::Identity& from, const model::Identity& to) {
    const char* kind = from.kind == model::IdentityKind::kFunction ? "function"
                       : from.kind == model::IdentityKind::kEntry  ? "entry"
                                                                   : "outside";
    return {{"source_kind", kind},
            {"source_namespace", from.name.ns},
            {"source_function", from.name.name},
            {"destination_namespace", to.name.ns},
            {"destination_function", to.name.name}};
}

Labels with(Labels labels, const char* name, std::string value) {
    labels.push_back({name, std::move(value)});
    return labels;
}

template <std::uint64_t FunctionCounters::* Field>
MetricFamily by_function(const Snapshot& snapshot, const char* name, const char* help) {
    auto family = Family::counter(name, help);
    for (const auto& [function, counters] : snapshot.counters.functions) {
        family.add(function_labels(function), static_cast<double>(counters.*Field));
    }
    return std::move(family).take();
}

template <std::uint64_t EdgeCounters::* Field>
MetricFamily by_edge(const Snapshot& snapshot, Family family) {
    for (const auto& [edge, counters] : snapshot.counters.edges) {
        family.add(pair_labels(edge.from, edge.to), static_cast<double>(counters.*Field));
    }
    return std::move(family).take();
}

/// Two fields of an edge in one family, told apart by a label.
template <std::uint64_t EdgeCounters::* One, std::uint64_t EdgeCounters::* Other>
MetricFamily by_edge_and(const Snapshot& snapshot, const char* name, const char* help,
                         const char* label, const char* one, const char* other,
                         bool available = true) {
    auto family = Family::counter(name, help);
    for (const auto& [edge, counters] : snapshot.counters.edges) {
        if (!available) {
            break;
        }
        const auto labels = pair_labels(edge.from, edge.to);
        family.add(with(labels, label, one), static_cast<double>(counters.*One));
        family.add(with(labels, label, other), static_cast<double>(counters.*Other));
    }
    return std::move(family).take();
}

// The switch counts in buckets of powers of two from 1 µs; of those, 16 µs, 64 µs ... 4 s are
// told: half as many series, and one bucket is still no more than four times the one before.
constexpr std::size_t kFirstBound = 4;
constexpr std::size_t kLastBound = 22;
constexpr std::size_t kBoundStep = 2;

HistogramFigures handshake_figures(const EdgeCounters& counters) {
    HistogramFigures figures;
    const auto& fine = counters.handshake_log2_us;
    std::size_t next = 0;
    const auto take_until = [&](std::size_t end) {
        std::uint64_t count = 0;
        for (; next < end && next < fine.size(); ++next) {
            count += fine[next];
        }
        figures.buckets.push_back(count);
    };
    for (std::size_t i = kFirstBound; i <= kLastBound; i += kBoundStep) {
        figures.bounds.push_back(std::exp2(static_cast<double>(i)) / 1e6);
        take_until(i + 1);
    }
    take_until(fine.size());
    figures.sum = static_cast<double>(counters.handshake_sum_ns) / 1e9;
    return figures;
}

/// Empty where the backend does not tell how connections end.
template <std::uint64_t EdgeCounters::* Field>
MetricFamily closings_by_edge(const Snapshot& snapshot, const char* name, const char* help) {
    auto family = Family::counter(name, help);
    return snapshot.counters.closings ? by_edge<Field>(snapshot, std::move(family))
                                      : std::move(family).take();
}

MetricFamily handshakes(const Snapshot& snapshot) {
    auto family = Family::histogram("directfaas_edge_handshake_seconds",
                                    "Time from SYN to SYN-ACK as the caller's veth sees it.");
    for (const auto& [edge, counters] : snapshot.counters.edges) {
        if (snapshot.counters.handshakes) {
            family.add(pair_labels(edge.from, edge.to), handshake_figures(counters));
        }
    }
    return std::move(family).take();
}

MetricFamily denied_pairs(const Snapshot& snapshot) {
    auto family = Family::counter(
        "directfaas_denied_pair_calls_total",
        "Calls refused for policy, by caller and function; a pair is there once it was denied, "
        "as long as the switch's table of pairs has room.");
    for (const auto& pair : snapshot.counters.denied) {
        family.add(with(pair_labels(pair.from, pair.to), "reason",
                        std::string(backend::reason_name(pair.reason))),
                   static_cast<double>(pair.calls));
    }
    return std::move(family).take();
}

}  // namespace

std::vector<MakeFamily> function_families() {
    return {
        [](const Snapshot& s) {
            return by_function<&FunctionCounters::opened>(
                s, "directfaas_connections_total",
                "Connections opened to the function, by vIP, pod IP and from outside; a kept "
                "connection may carry many requests.");
        },
        [](const Snapshot& s) {
            return by_function<&FunctionCounters::zero_syn>(
                s, "directfaas_zero_endpoint_syn_total",
                "First packets of calls that found no ready instance.");
        },
        [](const Snapshot& s) {
            return by_function<&FunctionCounters::held>(
                s, "directfaas_held_packets_total",
                "Packets handed to the agent to be held, retransmissions included.");
        },
        [](const Snapshot& s) {
            return by_function<&FunctionCounters::denied>(s, "directfaas_denied_total",
                                                          "Calls refused for policy.");
        },
        [](const Snapshot& s) {
            return by_function<&FunctionCounters::audited>(
                s, "directfaas_audited_total",
                "Calls without an edge that passed because enforcement is Audit.");
        },
        [](const Snapshot& s) {
            return by_function<&FunctionCounters::no_endpoint>(
                s, "directfaas_no_endpoint_total", "Calls refused because no instance was ready.");
        },
    };
}

std::vector<MakeFamily> edge_families() {
    return {
        [](const Snapshot& s) {
            return by_edge<&EdgeCounters::opened>(
                s, Family::counter("directfaas_edge_connections_total",
                                   "Connections opened over the edge."));
        },
        [](const Snapshot& s) {
            return by_edge<&EdgeCounters::open>(
                s, Family::gauge("directfaas_edge_open_connections",
                                 "Connections open over the edge now."));
        },
        [](const Snapshot& s) {
            return by_edge_and<&EdgeCounters::closed_by_caller, &EdgeCounters::closed_by_callee>(
                s, "directfaas_edge_closed_connections_total",
                "Connections closed, by who closed first.", "closed_by", "caller", "callee",
                s.counters.closings);
        },
        [](const Snapshot& s) {
            return closings_by_edge<&EdgeCounters::reset>(
                s, "directfaas_edge_reset_connections_total",
                "Closed connections that were closed by a reset.");
        },
        [](const Snapshot& s) {
            return by_edge_and<&EdgeCounters::bytes_request, &EdgeCounters::bytes_reply>(
                s, "directfaas_edge_bytes_total", "IP bytes over the edge.", "direction", "request",
                "reply");
        },
        handshakes,
        denied_pairs,
    };
}

}  // namespace directfaas::status
