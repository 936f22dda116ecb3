// SPDX-License-Identifier: Apache-2.0
// Walks the connection table a piece at a time: counts what is open, corrects the programs' own
// counts, and proposes idle connections to the `sweep` program, which decides.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/backend/ebpf/tables.h"
#include "lib/util/result.h"

namespace directfaas::backend::ebpf {

/// A number and its generation, as entries of the connection table carry them.
constexpr std::uint64_t versioned(std::uint32_t id, std::uint32_t gen) {
    return std::uint64_t{id} << 32 | gen;
}

/// What one whole pass has found.
struct Gauges {
    std::unordered_map<std::uint64_t, std::uint64_t> open_by_edge;  // key: versioned()
    std::uint64_t entries = 0;
    std::uint64_t open_fast = 0;  // connections on the fast path

    bool operator==(const Gauges&) const = default;
};

/// The table `ep_open`, mapped: open connections per endpoint id, raised and lowered by programs.
class OpenCounts {
   public:
    OpenCounts() = default;
    static util::Result<OpenCounts> map(const Tables& tables);
    OpenCounts(const OpenCounts&) = delete;
    OpenCounts& operator=(const OpenCounts&) = delete;
    OpenCounts(OpenCounts&& other) noexcept : counts_(std::exchange(other.counts_, {})) {}
    OpenCounts& operator=(OpenCounts&& other) noexcept {
        std::swap(counts_, other.counts_);
        return *this;
    }
    ~OpenCounts();

    /// May be below zero for a moment, when a correction and a program met.
    [[nodiscard]] std::int64_t at(std::uint32_t id) const;
    void add(std::uint32_t id, std::int64_t change) const;
    [[nodiscard]] std::vector<std::int64_t> copy() const;
    [[nodiscard]] bool any() const;

   private:
    std::span<std::uint64_t> counts_;
};

class Sweep {
   public:
    /// `program` stays with the caller.
    Sweep(const Tables& tables, const OpenCounts& open_counts, int program)
        : tables_(&tables), open_counts_(&open_counts), program_(program) {}

    /// Handles as much of the table as ends a pass in a few seconds at the pace of the calls. The
    /// gauges when this call ended a pass; nothing while one is under way or none is needed.
    /// Entries of interfaces outside `attached` go.
    util::Result<std::optional<Gauges>> step(const std::set<unsigned>& attached);

    /// Whether a pass is under way.
    [[nodiscard]] bool running() const { return pass_.has_value(); }

   private:
    using Clock = std::chrono::steady_clock;
    struct Live {
        std::uint32_t before = 0;  // `budget.live` when the pass began
        std::uint32_t counted = 0;
    };
    struct Open {
        std::int64_t all = 0;
        std::int64_t settled = 0;  // of them, older than any call that is just coming and going
    };
    /// How far a count has been off in each of the last passes at least; below zero: too low.
    struct Suspicion {
        std::int64_t off = 0;
        int passes = 0;
    };
    struct Pass {
        BatchCursor cursor;
        Gauges gauges;
        std::unordered_map<std::uint64_t, Open> open_by_endpoint;  // key: versioned()
        std::vector<std::int64_t> open_before;                     // by endpoint id
        std::unordered_map<std::uint32_t, Live> live;              // by key of `budget`
        std::uint64_t removed = 0;
    };

    util::Result<bool> needed();
    std::uint64_t share();
    util::Result<void> begin(const std::set<unsigned>& attached);
    util::Result<void> walk(const std::set<unsigned>& attached, std::uint64_t limit);
    void count(const df_ct_key& key, const df_ct& entry, std::chrono::nanoseconds now);
    util::Result<void> expire(const std::vector<df_ct_key>& idle);
    util::Result<void> finish();
    util::Result<void> correct_open();
    void judge_open(std::uint32_t id, const Open& found);
    util::Result<void> correct_live() const;

    const Tables* tables_;
    const OpenCounts* open_counts_;
    int program_;
    std::optional<Pass> pass_;
    std::unordered_map<std::uint32_t, Suspicion> suspicions_;  // by endpoint id
    Gauges last_;                                              // of the last whole pass
    std::chrono::seconds pause_{0};  // after it; grows while passes find nothing new
    Clock::time_point finished_;
    Clock::time_point glanced_;
    Clock::time_point peeked_;
    Clock::time_point stepped_;
    std::vector<df_ct_key> keys_;
    std::vector<df_ct> values_;
};

}  // namespace directfaas::backend::ebpf
