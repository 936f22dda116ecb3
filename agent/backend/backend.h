// SPDX-License-Identifier: Apache-2.0
// The seam between the rules and what enforces them. Two implementations (ebpf, ovs) and an
// in-memory one for tests. Backends know neither each other nor Kubernetes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/model/rules.h"
#include "lib/util/result.h"
#include "maps/verdicts.h"

namespace directfaas::backend {

/// "no_edge", "hold" ...: the names of maps/verdicts.h.
std::string_view reason_name(df_reason reason);
std::string_view verdict_name(df_verdict verdict);
std::string_view hook_name(df_hook hook);
/// Whether packets with this reason end there (class `drop`) or go on (class `note`).
bool reason_is_drop(df_reason reason);
/// One line of documentation for a reason.
std::string_view reason_text(df_reason reason);

/// A connection's addresses and ports as its caller sees them. Ports in host order.
struct FlowTuple {
    util::IpAddress source;
    util::IpAddress destination;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint8_t protocol = 0;  // IPPROTO_*

    auto operator<=>(const FlowTuple&) const = default;
};

/// One decision about a flow, for `dfctl observe`.
struct FlowEvent {
    std::chrono::nanoseconds time{};  // CLOCK_MONOTONIC
    FlowTuple flow;
    util::IpAddress instance;  // chosen eIP, unspecified if none
    std::uint16_t instance_port = 0;
    df_verdict verdict{};
    df_reason reason{};
    df_hook hook{};
    model::Identity from;
    model::Identity to;
    unsigned ifindex = 0;
    std::uint32_t length = 0;
};

/// A packet that waits for the agent's word, or news about one.
struct HeldPacket {
    enum class Kind : std::uint8_t {
        kNoInstance,     // caller's end: the function has no ready instance
        kUnknownSource,  // callee's end: source is in a pod network, but nobody's yet
        kReset,          // a replayed call was reset by its instance; `frame` is empty
    };
    Kind kind{};
    std::chrono::nanoseconds time{};  // CLOCK_MONOTONIC
    FlowTuple flow;
    unsigned ifindex = 0;
    bool callers_try = false;  // of a call that is held: its caller's kernel sent the SYN again
    model::Identity from;
    model::Identity to;
    std::vector<std::uint8_t> frame;  // Ethernet header included
};

/// What to do with a held packet: judge it again, or refuse it on its own path for good.
enum class ReplayAction : std::uint8_t { kJudge, kRefuse };

/// Receives what the switch reports. Called on the thread that called drain().
struct EventSink {
    std::function<void(const FlowEvent&)> flow;
    std::function<void(HeldPacket)> held;
};

struct EdgeCounters {
    std::uint64_t opened = 0;
    std::uint64_t open = 0;  // now
    std::uint64_t closed_by_caller = 0;
    std::uint64_t closed_by_callee = 0;
    std::uint64_t reset = 0;
    std::uint64_t bytes_request = 0;
    std::uint64_t bytes_reply = 0;
    std::uint64_t handshake_sum_ns = 0;
    std::vector<std::uint64_t> handshake_log2_us;  // bucket i: < 2^i µs; empty: not available
};

struct FunctionCounters {
    std::uint64_t opened = 0;
    std::uint64_t zero_syn = 0;
    std::uint64_t held = 0;
    std::uint64_t denied = 0;
    std::uint64_t audited = 0;
    std::uint64_t no_endpoint = 0;
};

struct DropCounter {
    df_reason reason{};
    df_hook hook{};
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
};

struct DeniedCounter {
    model::Identity from;
    model::Identity to;
    df_reason reason{};
    std::uint64_t calls = 0;
};

struct TableUsage {
    std::string name;
    std::uint64_t entries = 0;
    std::uint64_t capacity = 0;
    std::uint64_t bytes = 0;  // kernel memory, 0 if unknown
};

/// Whether packets between pods of this node go past its stack.
struct FastPathFigures {
    std::uint64_t interfaces = 0;               // attached
    std::map<unsigned, std::string> obstacles;  // those off the fast path, by ifindex, and why
    std::uint64_t open = 0;                     // connections on it
};

/// A device that --uplink names.
struct UplinkStanding {
    std::string device;
    std::string problem;  // why it is not guarded; empty: it is
};

/// Never goes backwards while the identity or edge exists.
struct Counters {
    std::map<model::AllowKey, EdgeCounters> edges;          // every allowed edge, zeros included
    std::map<model::Identity, FunctionCounters> functions;  // every function, zeros included
    std::vector<DropCounter> drops;                         // every reason and hook, zeros included
    std::vector<DeniedCounter> denied;
    std::vector<TableUsage> tables;
    bool closings = true;    // whether EdgeCounters tells who closed, and resets
    bool handshakes = true;  // whether it tells times of handshakes
    std::uint64_t events_lost = 0;
    std::uint64_t held_lost = 0;
    std::map<util::IpAddress, std::uint64_t>
        open_by_instance;                      // open connections as this node knows them
    std::optional<FastPathFigures> fast_path;  // nothing: this backend has none
    std::vector<UplinkStanding> uplinks;
};

/// One thing the kernel or switch can or cannot do, for `dfctl check`.
struct Capability {
    std::string name;
    bool available = false;
    bool required = false;
    std::string detail;  // what was found
    std::string advice;  // how to mend it, empty if fine
};

/// Settings that may change while the switch runs.
struct Settings {
    bool deny_silently = false;         // drop instead of RST / ICMP
    bool trace = false;                 // report allowed connections too
    bool drain = false;                 // leave new connections to the stack
    bool fast_path = true;              // new connections may go past the stack, if the backend can
    bool tunnelled = false;             // pods' packets come in by an uplink only encapsulated
    std::uint32_t event_rate = 1000;    // denial events per second and CPU
    std::uint32_t budget_rate = 20000;  // new connections per second and pod; 0: unlimited
    std::uint32_t budget_burst = 20000;
    std::uint32_t budget_live = 65536;         // connections of one pod; 0: unlimited
    std::vector<util::IpPrefix> pod_networks;  // at most 8
};

/// Makes rules true. Not thread-safe but for counters(), which may be called from any thread.
class Backend {
   public:
    virtual ~Backend() = default;

    /// Makes the delta true, in the order RuleDelta documents. On error some of it may be in
    /// force: call dump() and plan again. Returns only when packets already follow it.
    virtual util::Result<void> apply(const model::RuleDelta& delta) = 0;

    /// What is really installed, read back from the kernel or switch.
    virtual util::Result<model::RuleSet> dump() = 0;

    virtual util::Result<Counters> counters() = 0;

    /// A descriptor that is readable when drain() has something; owned by the backend.
    [[nodiscard]] virtual int event_fd() const = 0;
    virtual void drain(const EventSink& sink) = 0;

    /// Sends a held packet on as if it came from where it was caught.
    virtual util::Result<void> replay(const HeldPacket& packet, ReplayAction action) = 0;

    virtual std::vector<Capability> probe() = 0;

    /// Reason: readiness says what may go past the switch. Lines of what is known on this node to
    /// do so, as of the last sweeps, with what to do; empty: nothing.
    [[nodiscard]] virtual std::vector<std::string> bypasses() const { return {}; }

    /// Reason: what an operator switches at run time must not need a restart.
    virtual util::Result<void> configure(const Settings& settings) = 0;

    /// Reason: connection tables need ageing. Removes idle connections and corrects `open`. Call
    /// several times a second: a call does the part that is due since the last one, so rare calls
    /// do more at once.
    virtual util::Result<void> sweep() = 0;

    /// Reason: `explain` shows the entries that are really there, in the backend's own words.
    virtual std::vector<std::string> installed(const model::AllowKey& edge,
                                               const std::vector<model::RouteKey>& routes) = 0;

    /// Reason: removal is an explicit act. Detaches everything and removes all state of this
    /// instance. Does not drain: see Settings::drain and Counters.
    virtual util::Result<void> remove() = 0;
};

}  // namespace directfaas::backend
