// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/tables.h"

#include <optional>
#include <utility>

namespace directfaas::backend::ebpf {

util::Result<Tables> Tables::open(const Pins& pins) {
    Tables tables;
    std::optional<util::Error> error;
    const auto ring = [&](RawMap& map, const std::string& name) {
        auto opened = RawMap::open(pins.table(name), name, {BPF_MAP_TYPE_RINGBUF, 0, 0});
        if (opened) {
            map = std::move(*opened);
        } else if (!error) {
            error = opened.error();
        }
    };
    const auto open = [&]<typename Map>(Map& map, const std::string& name, std::uint32_t type) {
        if (error) {
            return;
        }
        auto opened = Map::open(pins.table(name), name, type);
        if (opened) {
            map = std::move(*opened);
        } else {
            error = opened.error();
        }
    };
    open(tables.config, "config", BPF_MAP_TYPE_ARRAY);
    open(tables.fn, "fn", BPF_MAP_TYPE_ARRAY);
    open(tables.veth, "veth", BPF_MAP_TYPE_HASH);
    open(tables.pod_name, "pod_name", BPF_MAP_TYPE_HASH);
    open(tables.ip_id, "ip_id", BPF_MAP_TYPE_HASH);
    open(tables.local_addr, "local_addr", BPF_MAP_TYPE_HASH);
    open(tables.fn_port, "fn_port", BPF_MAP_TYPE_HASH);
    open(tables.vip, "vip", BPF_MAP_TYPE_HASH);
    open(tables.slots, "slots", BPF_MAP_TYPE_HASH);
    open(tables.ep, "ep", BPF_MAP_TYPE_ARRAY);
    open(tables.affinity, "affinity", BPF_MAP_TYPE_LRU_HASH);
    open(tables.ep_open, "ep_open", BPF_MAP_TYPE_ARRAY);
    open(tables.allow, "allow", BPF_MAP_TYPE_HASH);
    open(tables.edge, "edge", BPF_MAP_TYPE_ARRAY);
    open(tables.ct, "ct", BPF_MAP_TYPE_HASH);
    open(tables.frag, "frag", BPF_MAP_TYPE_LRU_HASH);
    open(tables.kept, "kept", BPF_MAP_TYPE_LRU_HASH);
    open(tables.budget, "budget", BPF_MAP_TYPE_HASH);
    open(tables.edge_stats, "edge_stats", BPF_MAP_TYPE_PERCPU_ARRAY);
    open(tables.fn_stats, "fn_stats", BPF_MAP_TYPE_PERCPU_ARRAY);
    open(tables.drops, "drops", BPF_MAP_TYPE_PERCPU_ARRAY);
    open(tables.denied, "denied", BPF_MAP_TYPE_PERCPU_HASH);
    open(tables.ring_lost, "ring_lost", BPF_MAP_TYPE_PERCPU_ARRAY);
    ring(tables.events, "events");
    ring(tables.held, "held");
    if (error) {
        return std::unexpected(*error);
    }
    return tables;
}

std::vector<const RawMap*> Tables::all() const {
    return {&config.raw(),    &fn.raw(),         &veth.raw(),     &pod_name.raw(), &ip_id.raw(),
            &fn_port.raw(),   &vip.raw(),        &slots.raw(),    &ep.raw(),       &ep_open.raw(),
            &allow.raw(),     &edge.raw(),       &ct.raw(),       &frag.raw(),     &kept.raw(),
            &budget.raw(),    &edge_stats.raw(), &fn_stats.raw(), &drops.raw(),    &denied.raw(),
            &ring_lost.raw(), &local_addr.raw(), &affinity.raw(), &events,         &held};
}

}  // namespace directfaas::backend::ebpf
