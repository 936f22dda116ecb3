// SPDX-License-Identifier: Apache-2.0
// Maps of a loaded object, typed by what the caller passes. Everything throws std::runtime_error.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace directfaas::packet {

[[noreturn]] inline void fail(const std::string& what) {
    throw std::runtime_error(what + ": " + std::strerror(errno));
}

template <typename Key, typename Value>
void put(bpf_map* map, const Key& key, const Value& value) {
    if (bpf_map_update_elem(bpf_map__fd(map), &key, &value, BPF_ANY) != 0) {
        fail(std::string("write map ") + bpf_map__name(map));
    }
}

template <typename Value, typename Key>
std::optional<Value> get(bpf_map* map, const Key& key) {
    Value value{};
    if (bpf_map_lookup_elem(bpf_map__fd(map), &key, &value) != 0) {
        return std::nullopt;
    }
    return value;
}

/// Sum over CPUs of a value that consists of 64-bit counters.
template <typename Value, typename Key>
Value sum(bpf_map* map, const Key& key) {
    constexpr std::size_t kCounterBytes = 8;
    constexpr std::size_t kCounters = sizeof(Value) / kCounterBytes;
    const auto cpus = static_cast<std::size_t>(libbpf_num_possible_cpus());
    std::vector<std::uint64_t> raw(kCounters * cpus);
    std::array<std::uint64_t, kCounters> total{};
    if (bpf_map_lookup_elem(bpf_map__fd(map), &key, raw.data()) == 0) {
        for (std::size_t i = 0; i < raw.size(); ++i) {
            total[i % kCounters] += raw[i];
        }
    }
    Value value;
    std::memcpy(&value, total.data(), sizeof(value));
    return value;
}

}  // namespace directfaas::packet
