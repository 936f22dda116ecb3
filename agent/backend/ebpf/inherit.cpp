// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/inherit.h"

#include <bpf/bpf.h>
#include <fmt/format.h>

#include "lib/util/log.h"

namespace directfaas::backend::ebpf {
namespace {

using util::Result;
using util::UniqueFd;

/// The table by which layouts are compared: every state has connections.
constexpr const char* kMark = "ct";

/// 0 if it is not pinned.
std::uint32_t table_id(const Pins& pins, const std::string& name) {
    const UniqueFd table(bpf_obj_get(pins.table(name).c_str()));
    bpf_map_info info{};
    std::uint32_t length = sizeof(info);
    return table.valid() && bpf_obj_get_info_by_fd(table.get(), &info, &length) == 0 ? info.id : 0;
}

/// Whether `object` can go on with every table of `other` that is state.
Result<bool> fits(const bpf_object* object, const Pins& other) {
    const bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object) {
        if (!is_state(map)) {
            continue;
        }
        const UniqueFd table(bpf_obj_get(other.table(bpf_map__name(map)).c_str()));
        if (!table.valid()) {
            return false;
        }
        if (const auto same = same_shape(map, table.get()); !same || !*same) {
            return same;
        }
    }
    return true;
}

}  // namespace

Result<bool> same_shape(const bpf_map* map, int fd) {
    bpf_map_info info{};
    std::uint32_t length = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd, &info, &length) != 0) {
        return util::fail_errno(fmt::format("asking about table {}", bpf_map__name(map)));
    }
    return info.type == bpf_map__type(map) && info.key_size == bpf_map__key_size(map) &&
           info.value_size == bpf_map__value_size(map);
}

bool is_state(const bpf_map* map) {
    switch (bpf_map__type(map)) {
        case BPF_MAP_TYPE_PERCPU_ARRAY:
        case BPF_MAP_TYPE_PERCPU_HASH:
        case BPF_MAP_TYPE_RINGBUF:
            return false;
        default:
            return !bpf_map__is_internal(map);
    }
}

Result<std::optional<Pins>> predecessor(const bpf_object* object, const Pins& pins) {
    if (table_id(pins, kMark) != 0) {
        return std::nullopt;
    }
    for (Pins& other : pins.other_layouts()) {
        const auto fit = fits(object, other);
        if (!fit) {
            return std::unexpected(fit.error());
        }
        if (*fit) {
            return std::move(other);
        }
    }
    return std::nullopt;
}

Result<bool> take_over_links(const Pins& pins) {
    bool anew = false;
    for (Pins& other : pins.other_layouts()) {
        const std::uint32_t id = table_id(other, kMark);
        const bool differs = id != 0 && id != table_id(pins, kMark);
        anew = anew || differs;
        if (auto taken = pins.take_links(other); !taken) {
            return std::unexpected(taken.error());
        }
        if (auto removed = other.remove_layout(); !removed) {
            return std::unexpected(removed.error());
        }
        util::log::info("took over from an agent with another layout of tables; {}",
                        differs ? "connections of before are not known any more"
                                : "rules and connections go on, counters begin anew");
    }
    return anew;
}

}  // namespace directfaas::backend::ebpf
