// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/sweep.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "agent/backend/ebpf/idle.h"

namespace directfaas::backend::ebpf {
namespace {

using util::fail_errno;
using util::Result;

/// How long a pass over a full table takes.
constexpr std::chrono::seconds kPass{8};
/// From the end of a pass that found nothing new to the next, at most.
constexpr std::chrono::seconds kLongestPause{8};
/// How often it is looked whether a table that was empty still is. The kernel finds no entry only
/// after all buckets, 0.7 ms for the default size; that no call to an instance is open is seen in
/// the mapped counts for a tenth of it. What they do not show waits for the longer period.
constexpr std::chrono::seconds kGlance{2};
constexpr std::chrono::seconds kPeek{8};
/// A connection of this age was open when the pass began, and is no call that comes and goes.
constexpr std::chrono::seconds kSettled{2};
/// So many passes in a row must find a count off to the same side before it is corrected.
constexpr int kPassesToCorrect = 3;

// bpf/sweep.bpf.c: an Ethernet header, whose first byte is the haste, then the keys.
constexpr std::size_t kHeader = 14;
constexpr std::size_t kKeysPerRun = 16;

std::chrono::nanoseconds monotonic_now() {
    // The programs take the coarse clock; the difference is a tick.
    return std::chrono::steady_clock::now().time_since_epoch();
}

}  // namespace

Result<OpenCounts> OpenCounts::map(const Tables& tables) {
    const std::size_t count = tables.ep_open.capacity();
    void* memory = mmap(nullptr, count * sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED,
                        tables.ep_open.raw().fd(), 0);
    if (memory == MAP_FAILED) {
        return fail_errno("mapping table ep_open");
    }
    OpenCounts mapped;
    mapped.counts_ = {static_cast<std::uint64_t*>(memory), count};
    return mapped;
}

OpenCounts::~OpenCounts() {
    if (!counts_.empty()) {
        munmap(counts_.data(), counts_.size_bytes());
    }
}

std::int64_t OpenCounts::at(std::uint32_t id) const {
    return static_cast<std::int64_t>(std::atomic_ref(counts_[id]).load(std::memory_order_relaxed));
}

void OpenCounts::add(std::uint32_t id, std::int64_t change) const {
    std::atomic_ref(counts_[id])
        .fetch_add(static_cast<std::uint64_t>(change), std::memory_order_relaxed);
}

std::vector<std::int64_t> OpenCounts::copy() const {
    std::vector<std::int64_t> copied(counts_.size());
    for (std::uint32_t id = 0; id < copied.size(); ++id) {
        copied[id] = at(id);
    }
    return copied;
}

bool OpenCounts::any() const {
    // Looked at once a second: by the library, many at a time. The kernel writes them meanwhile; a
    // glance may miss that as if it had been a moment earlier.
    const auto bytes = std::as_bytes(counts_);
    return !bytes.empty() &&
           (counts_[0] != 0 || std::memcmp(bytes.data(), bytes.data() + sizeof(counts_[0]),
                                           bytes.size() - sizeof(counts_[0])) != 0);
}

Result<std::optional<Gauges>> Sweep::step(const std::set<unsigned>& attached) {
    const std::uint64_t limit = share();
    if (!pass_) {
        const auto wanted = needed();
        if (!wanted || !*wanted) {
            return wanted ? Result<std::optional<Gauges>>(std::nullopt)
                          : std::unexpected(wanted.error());
        }
        if (auto begun = begin(attached); !begun) {
            return std::unexpected(begun.error());
        }
    }
    if (auto walked = walk(attached, limit); !walked) {
        pass_.reset();
        return std::unexpected(walked.error());
    }
    if (!pass_->cursor.finished) {
        return std::optional<Gauges>();
    }
    auto finished = finish();
    pass_.reset();
    return finished ? Result<std::optional<Gauges>>(last_) : std::unexpected(finished.error());
}

/// The part of the table that is due since the last call.
std::uint64_t Sweep::share() {
    const auto now = Clock::now();
    const auto elapsed = std::min<Clock::duration>(now - std::exchange(stepped_, now), kPass);
    const double part = std::chrono::duration<double>(elapsed) / kPass;
    return std::max<std::uint64_t>(kBatchSize,
                                   static_cast<std::uint64_t>(part * tables_->ct.capacity()));
}

/// A pass over an empty table would find what the last one has found.
Result<bool> Sweep::needed() {
    const auto now = Clock::now();
    if (pause_.count() == 0 || last_.entries != 0) {
        return now - finished_ >= pause_;
    }
    if (now - glanced_ < kGlance) {
        return false;
    }
    glanced_ = now;
    if (open_counts_->any()) {
        return true;
    }
    if (now - peeked_ < kPeek) {
        return false;
    }
    peeked_ = now;
    df_ct_key first{};
    if (bpf_map_get_next_key(tables_->ct.raw().fd(), nullptr, &first) == 0) {
        return true;
    }
    return errno == ENOENT ? Result<bool>(false) : fail_errno("walking table `ct`");
}

Result<void> Sweep::begin(const std::set<unsigned>& attached) {
    pass_ = Pass{};
    pass_->open_before = open_counts_->copy();
    for (const unsigned ifindex : attached) {
        for (const std::uint32_t key :
             {ifindex << 1 | DF_CT_FROM_POD, ifindex << 1 | DF_CT_TO_POD}) {
            const auto budget = tables_->budget.get(key);
            if (!budget) {
                return std::unexpected(budget.error());
            }
            if (*budget) {
                pass_->live[key].before = (*budget)->live;
            }
        }
    }
    return {};
}

Result<void> Sweep::walk(const std::set<unsigned>& attached, std::uint64_t limit) {
    const auto now = monotonic_now();
    const unsigned hurry =
        haste(std::max(last_.entries, pass_->gauges.entries), tables_->ct.capacity());
    std::vector<df_ct_key> idle;
    for (std::uint64_t done = 0; done < limit && !pass_->cursor.finished; done += keys_.size()) {
        if (auto read = tables_->ct.next(pass_->cursor, keys_, values_); !read) {
            return read;
        }
        for (std::size_t i = 0; i < keys_.size(); ++i) {
            if (!attached.contains(keys_[i].ifindex)) {
                if (const auto gone = tables_->ct.erase(keys_[i]); !gone) {
                    return std::unexpected(gone.error());
                }
                continue;
            }
            count(keys_[i], values_[i], now);
            if (may_be_idle(keys_[i], values_[i], now, hurry)) {
                idle.push_back(keys_[i]);
            }
        }
    }
    return expire(idle);
}

void Sweep::count(const df_ct_key& key, const df_ct& entry, std::chrono::nanoseconds now) {
    ++pass_->gauges.entries;
    const bool opener = entry.role == DF_CT_CALL || entry.role == DF_CT_SERVE;
    if (!opener) {
        return;
    }
    ++pass_->live[key.ifindex << 1 | key.dir].counted;
    const bool fast = (entry.flags & DF_CT_FAST) != 0;
    if (fast) {
        ++pass_->live[entry.peer << 1 | DF_CT_TO_POD].counted;
    }
    if (entry.closed != 0) {
        return;
    }
    pass_->gauges.open_fast += fast ? 1 : 0;
    if ((entry.flags & DF_CT_COUNTED) != 0 && entry.edge != 0) {
        ++pass_->gauges.open_by_edge[versioned(entry.edge, entry.edge_gen)];
    }
    if (entry.role == DF_CT_CALL && entry.ep != 0) {
        auto& open = pass_->open_by_endpoint[versioned(entry.ep, entry.ep_gen)];
        ++open.all;
        open.settled += now - std::chrono::nanoseconds(entry.created) > kSettled ? 1 : 0;
    }
}

/// Has the program judge and remove them.
Result<void> Sweep::expire(const std::vector<df_ct_key>& idle) {
    const unsigned hurry =
        haste(std::max(last_.entries, pass_->gauges.entries), tables_->ct.capacity());
    std::array<std::uint8_t, kHeader + kKeysPerRun * sizeof(df_ct_key)> packet{};
    packet[0] = static_cast<std::uint8_t>(hurry);
    for (std::size_t at = 0; at < idle.size(); at += kKeysPerRun) {
        const std::size_t count = std::min(kKeysPerRun, idle.size() - at);
        std::memcpy(packet.data() + kHeader, idle.data() + at, count * sizeof(df_ct_key));
        LIBBPF_OPTS(bpf_test_run_opts, run);
        run.data_in = packet.data();
        run.data_size_in = static_cast<std::uint32_t>(kHeader + count * sizeof(df_ct_key));
        run.repeat = 1;
        if (const int status = bpf_prog_test_run_opts(program_, &run); status != 0) {
            return fail_errno("running program sweep", -status);
        }
        pass_->removed += run.retval;
    }
    return {};
}

Result<void> Sweep::finish() {
    const bool quiet = pass_->removed == 0 && pass_->gauges == last_;
    pause_ = quiet ? std::min(std::max(pause_ * 2, std::chrono::seconds(1)), kLongestPause)
                   : std::chrono::seconds(0);
    last_ = std::move(pass_->gauges);
    finished_ = Clock::now();
    auto corrected = correct_open();
    if (!suspicions_.empty()) {
        pause_ = std::min(pause_, std::chrono::seconds(1));  // do not keep a doubt for long
    }
    return corrected ? correct_live() : corrected;
}

/// The programs' counts go on while the pass runs, and calls come and go between two looks at them,
/// so one pass proves little: a wrong correction would keep calls away from an instance. A count is
/// too high if it never sank to what the pass found, too low if it never rose to what has long been
/// open, in several passes in a row.
Result<void> Sweep::correct_open() {
    std::set<std::uint32_t> ids;
    for (const auto& [key, open] : pass_->open_by_endpoint) {
        ids.insert(static_cast<std::uint32_t>(key >> 32));
    }
    for (std::uint32_t id = 0; id < pass_->open_before.size(); ++id) {
        if (pass_->open_before[id] != 0) {
            ids.insert(id);
        }
    }
    std::erase_if(suspicions_, [&](const auto& each) { return !ids.contains(each.first); });
    for (const std::uint32_t id : ids) {
        const auto endpoint = tables_->ep.get(id);
        if (!endpoint) {
            return std::unexpected(endpoint.error());
        }
        const auto found = *endpoint ? pass_->open_by_endpoint.find(versioned(id, (*endpoint)->gen))
                                     : pass_->open_by_endpoint.end();
        judge_open(id, found == pass_->open_by_endpoint.end() ? Open{} : found->second);
    }
    return {};
}

void Sweep::judge_open(std::uint32_t id, const Open& found) {
    const auto [low, high] = std::minmax({pass_->open_before[id], open_counts_->at(id)});
    const std::int64_t off = low > found.all ? low - found.all : std::min(high - found.settled, {});
    auto& suspicion = suspicions_[id];
    if (off == 0 || (suspicion.passes > 0 && (off < 0) != (suspicion.off < 0))) {
        suspicions_.erase(id);
        return;
    }
    const bool less = suspicion.passes == 0 || std::abs(off) < std::abs(suspicion.off);
    suspicion = {less ? off : suspicion.off, suspicion.passes + 1};
    if (suspicion.passes == kPassesToCorrect) {
        open_counts_->add(id, -suspicion.off);
        suspicions_.erase(id);
    }
}

/// Programs only ever raise `live`.
Result<void> Sweep::correct_live() const {
    for (const auto& [key, live] : pass_->live) {
        auto budget = tables_->budget.get(key);
        if (!budget) {
            return std::unexpected(budget.error());
        }
        if (!*budget) {
            continue;
        }
        const std::uint32_t opened_meanwhile = (*budget)->live - live.before;
        const std::uint32_t wanted = live.counted + opened_meanwhile;
        if (wanted == (*budget)->live) {
            continue;
        }
        (*budget)->live = wanted;
        auto put = tables_->budget.put(key, **budget, Put::kExisting);
        if (!put && put.error().code != ENOENT) {
            return put;
        }
    }
    return {};
}

}  // namespace directfaas::backend::ebpf
