// SPDX-License-Identifier: Apache-2.0
// Typed views of pinned maps. Type and sizes are compared with the kernel's once, at open; after
// that a key or value of the wrong kind does not compile. Nothing of the domain in here.
#pragma once

#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::backend::ebpf {

/// What may be a key or value: bytes, all of which mean something.
template <typename T>
concept MapData = std::is_trivially_copyable_v<T> && std::has_unique_object_representations_v<T>;

enum class Put : std::uint8_t { kAny = BPF_ANY, kNew = BPF_NOEXIST, kExisting = BPF_EXIST };

/// Where a walk in batches has got to. Valid for one map; entries that come or go during the walk
/// may be missed or met twice.
struct BatchCursor {
    bool started = false;
    bool finished = false;
    std::uint32_t token = 0;  // bucket (hash) or index (array)
};

/// A map without its types: system calls and their error messages. Thread-safe.
class RawMap {
   public:
    struct Shape {
        std::uint32_t type;
        std::uint32_t key_size;
        std::uint32_t value_size;
    };

    /// Opens a pin and checks it against `shape`.
    static util::Result<RawMap> open(const std::string& path, const std::string& name,
                                     const Shape& shape);

    /// When the table is full the message says which flag to raise.
    util::Result<void> put(const void* key, const void* value, Put mode) const;
    /// Whether the key was there.
    util::Result<bool> get(const void* key, void* value) const;
    util::Result<bool> erase(const void* key) const;
    /// Reads up to `room` entries behind the cursor; returns how many.
    util::Result<std::uint32_t> next_batch(BatchCursor& cursor, void* keys, void* values,
                                           std::uint32_t room) const;
    util::Result<void> put_batch(const void* keys, const void* values, std::uint32_t count) const;

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] std::uint32_t capacity() const { return capacity_; }
    /// Kernel memory in bytes, 0 if the kernel does not say.
    [[nodiscard]] std::uint64_t memory() const;

   private:
    [[nodiscard]] std::unexpected<util::Error> put_failed(int code) const;
    [[nodiscard]] std::unexpected<util::Error> failed(const char* verb, int code) const;

    util::UniqueFd fd_;
    std::string name_;
    std::uint32_t capacity_ = 0;
};

/// "table `vip` is full (n entries): raise --max-vips ..."
std::string full_message(const std::string& table, std::uint32_t capacity);

/// Number of slots a per-CPU value has.
std::uint32_t possible_cpus();

/// Entries read in one system call while walking.
inline constexpr std::uint32_t kBatchSize = 4096;

/// Hash or array with one value per key.
template <MapData Key, MapData Value>
class BpfMap {
   public:
    BpfMap() = default;  // not open: every call fails

    static util::Result<BpfMap> open(const std::string& path, const std::string& name,
                                     std::uint32_t type) {
        auto raw = RawMap::open(path, name, {type, sizeof(Key), sizeof(Value)});
        if (!raw) {
            return std::unexpected(raw.error());
        }
        return BpfMap(std::move(*raw));
    }

    util::Result<void> put(const Key& key, const Value& value, Put mode = Put::kAny) const {
        return raw_.put(&key, &value, mode);
    }
    util::Result<void> put(const std::vector<Key>& keys, const std::vector<Value>& values) const {
        return raw_.put_batch(keys.data(), values.data(),
                              static_cast<std::uint32_t>(std::min(keys.size(), values.size())));
    }
    util::Result<std::optional<Value>> get(const Key& key) const {
        Value value;
        auto found = raw_.get(&key, &value);
        if (!found) {
            return std::unexpected(found.error());
        }
        return *found ? std::optional<Value>(value) : std::nullopt;
    }
    /// Whether the key was there.
    util::Result<bool> erase(const Key& key) const { return raw_.erase(&key); }

    /// Reads the next batch into the vectors, which it resizes. An empty batch may not be the last:
    /// ask cursor.finished.
    util::Result<void> next(BatchCursor& cursor, std::vector<Key>& keys,
                            std::vector<Value>& values) const {
        keys.resize(kBatchSize);
        values.resize(kBatchSize);
        auto count = raw_.next_batch(cursor, keys.data(), values.data(), kBatchSize);
        keys.resize(count.value_or(0));
        values.resize(count.value_or(0));
        return count ? util::Result<void>() : std::unexpected(count.error());
    }
    /// Calls `visit(key, value)` for each entry.
    template <typename Visit>
    util::Result<void> for_each(Visit visit) const {
        std::vector<Key> keys;
        std::vector<Value> values;
        for (BatchCursor cursor; !cursor.finished;) {
            if (auto read = next(cursor, keys, values); !read) {
                return read;
            }
            for (std::size_t i = 0; i < keys.size(); ++i) {
                visit(keys[i], values[i]);
            }
        }
        return {};
    }

    [[nodiscard]] const RawMap& raw() const { return raw_; }
    [[nodiscard]] std::uint32_t capacity() const { return raw_.capacity(); }

   private:
    explicit BpfMap(RawMap raw) : raw_(std::move(raw)) {}
    RawMap raw_;
};

/// Hash or array of counters, one set per CPU. Value consists of 64-bit counters only.
template <MapData Key, MapData Value>
    requires(sizeof(Value) % sizeof(std::uint64_t) == 0)
class PerCpuMap {
   public:
    PerCpuMap() = default;  // not open: every call fails

    static util::Result<PerCpuMap> open(const std::string& path, const std::string& name,
                                        std::uint32_t type) {
        auto raw = RawMap::open(path, name, {type, sizeof(Key), sizeof(Value)});
        if (!raw) {
            return std::unexpected(raw.error());
        }
        return PerCpuMap(std::move(*raw));
    }

    /// Each counter summed over the CPUs; zeros if there is no such key.
    util::Result<Value> sum(const Key& key) const {
        std::vector<Value> per_cpu(possible_cpus());
        auto found = raw_.get(&key, per_cpu.data());
        if (!found) {
            return std::unexpected(found.error());
        }
        return *found ? add_up(per_cpu.data()) : Value{};
    }
    /// Sets all counters of the key to zero on every CPU.
    util::Result<void> zero(const Key& key) const {
        const std::vector<Value> zeros(possible_cpus(), Value{});
        return raw_.put(&key, zeros.data(), Put::kAny);
    }
    util::Result<bool> erase(const Key& key) const { return raw_.erase(&key); }

    /// Calls `visit(key, sum)` for each entry of a hash. Arrays cannot be walked before 5.13.
    template <typename Visit>
    util::Result<void> for_each(Visit visit) const {
        const std::uint32_t cpus = possible_cpus();
        std::vector<Key> keys(kBatchSize);
        std::vector<Value> values(std::size_t{kBatchSize} * cpus);
        for (BatchCursor cursor; !cursor.finished;) {
            auto count = raw_.next_batch(cursor, keys.data(), values.data(), kBatchSize);
            if (!count) {
                return std::unexpected(count.error());
            }
            for (std::size_t i = 0; i < *count; ++i) {
                visit(keys[i], add_up(values.data() + i * cpus));
            }
        }
        return {};
    }

    [[nodiscard]] const RawMap& raw() const { return raw_; }

   private:
    static constexpr std::size_t kWordSize = sizeof(std::uint64_t);
    using Words = std::array<std::uint64_t, sizeof(Value) / kWordSize>;

    explicit PerCpuMap(RawMap raw) : raw_(std::move(raw)) {}

    static Value add_up(const Value* per_cpu) {
        Words total{};
        for (std::uint32_t cpu = 0; cpu < possible_cpus(); ++cpu) {
            const Words words = std::bit_cast<Words>(per_cpu[cpu]);
            for (std::size_t i = 0; i < words.size(); ++i) {
                total[i] += words[i];
            }
        }
        return std::bit_cast<Value>(total);
    }

    RawMap raw_;
};

}  // namespace directfaas::backend::ebpf
