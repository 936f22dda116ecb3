// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/bpf_map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <fstream>

namespace directfaas::backend::ebpf {
namespace {

using util::fail_errno;
using util::Result;

/// What to do when this table is full. The sizes of the others are fixed.
std::string_view size_flag(std::string_view table) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kFlags{{
        {"fn", "--max-functions"},
        {"fn_port", "--max-functions"},
        {"veth", "--max-pods"},
        {"budget", "--max-pods"},
        {"pod_name", "--max-pods"},
        {"ip_id", "--max-endpoints"},
        {"ep", "--max-endpoints"},
        {"ep_open", "--max-endpoints"},
        {"slots", "--max-endpoints"},
        {"vip", "--max-vips"},
        {"allow", "--max-edges"},
        {"edge", "--max-edges"},
        {"ct", "--max-connections"},
    }};
    for (const auto& [name, flag] : kFlags) {
        if (name == table) {
            return flag;
        }
    }
    return {};
}

}  // namespace

std::uint32_t possible_cpus() {
    static const int count = libbpf_num_possible_cpus();
    return count > 0 ? static_cast<std::uint32_t>(count) : 1;
}

std::string full_message(const std::string& table, std::uint32_t capacity) {
    const auto flag = size_flag(table);
    return flag.empty() ? fmt::format("table `{}` is full ({} entries)", table, capacity)
                        : fmt::format(
                              "table `{}` is full ({} entries): raise {} and install again (dfctl "
                              "detach --all, then start the agent)",
                              table, capacity, flag);
}

Result<RawMap> RawMap::open(const std::string& path, const std::string& name, const Shape& shape) {
    RawMap map;
    map.fd_.reset(bpf_obj_get(path.c_str()));
    if (!map.fd_.valid()) {
        return fail_errno(fmt::format("opening table {}", path));
    }
    bpf_map_info info{};
    std::uint32_t length = sizeof(info);
    if (bpf_obj_get_info_by_fd(map.fd_.get(), &info, &length) != 0) {
        return fail_errno(fmt::format("asking about table {}", path));
    }
    if (info.type != shape.type || info.key_size != shape.key_size ||
        info.value_size != shape.value_size) {
        return util::fail(fmt::format(
            "table {} has type {}, key {} B, value {} B; this agent needs type {}, key {} B, value "
            "{} B. Remove the instance with the version that made it",
            path, info.type, info.key_size, info.value_size, shape.type, shape.key_size,
            shape.value_size));
    }
    map.name_ = name;
    map.capacity_ = info.max_entries;
    return map;
}

Result<void> RawMap::put(const void* key, const void* value, Put mode) const {
    if (bpf_map_update_elem(fd_.get(), key, value, static_cast<std::uint64_t>(mode)) == 0) {
        return {};
    }
    return put_failed(errno);
}

Result<bool> RawMap::get(const void* key, void* value) const {
    if (bpf_map_lookup_elem(fd_.get(), key, value) == 0) {
        return true;
    }
    if (errno == ENOENT) {
        return false;
    }
    return failed("reading from", errno);
}

Result<bool> RawMap::erase(const void* key) const {
    if (bpf_map_delete_elem(fd_.get(), key) == 0) {
        return true;
    }
    if (errno == ENOENT) {
        return false;
    }
    return failed("deleting from", errno);
}

Result<std::uint32_t> RawMap::next_batch(BatchCursor& cursor, void* keys, void* values,
                                         std::uint32_t room) const {
    std::uint32_t count = room;
    std::uint32_t after = cursor.token;
    const int status = bpf_map_lookup_batch(fd_.get(), cursor.started ? &cursor.token : nullptr,
                                            &after, keys, values, &count, nullptr);
    const int code = status == 0 ? 0 : errno;
    if (code != 0 && code != ENOENT) {
        return failed("walking", code);
    }
    cursor.started = true;
    cursor.finished = code == ENOENT;
    cursor.token = after;
    return count;
}

Result<void> RawMap::put_batch(const void* keys, const void* values, std::uint32_t count) const {
    if (count == 0) {
        return {};
    }
    if (bpf_map_update_batch(fd_.get(), keys, values, &count, nullptr) == 0) {
        return {};
    }
    return put_failed(errno);
}

std::uint64_t RawMap::memory() const {
    std::ifstream info("/proc/self/fdinfo/" + std::to_string(fd_.get()));
    std::string word;
    while (info >> word) {
        if (word == "memlock:") {
            std::uint64_t bytes = 0;
            info >> bytes;
            return bytes;
        }
    }
    return 0;
}

std::unexpected<util::Error> RawMap::put_failed(int code) const {
    // An array says E2BIG too, for an index past its end.
    return code == E2BIG ? util::fail(full_message(name_, capacity_)) : failed("writing to", code);
}

std::unexpected<util::Error> RawMap::failed(const char* verb, int code) const {
    return fail_errno(fmt::format("{} table `{}`", verb, name_), code);
}

}  // namespace directfaas::backend::ebpf
