// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/objects.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <map>
#include <memory>

#include "agent/backend/ebpf/bpf_map.h"
#include "agent/backend/ebpf/inherit.h"
#include "agent/backend/ebpf/libbpf_log.h"
#include "agent/backend/ebpf/tcx.h"
#include "lib/util/log.h"
#include "maps/config.h"
#include "maps/identity.h"

// The skeletons name types of maps/.
#include "from_pod.skel.h"
#include "replay.skel.h"
#include "sweep.skel.h"
#include "to_pod.skel.h"
#include "uplink.skel.h"

namespace directfaas::backend::ebpf {
namespace {

using util::fail_errno;
using util::Result;
using util::UniqueFd;

/// Ports of a function that have an entry of their own, on average at most.
constexpr std::uint32_t kPortsPerFunction = 4;

using Capacities = std::map<std::string, std::uint32_t>;

/// Tables whose size is an option; the others have the one of bpf/lib/tables.h.
Capacities capacities(const Options& options) {
    return {
        {"fn", options.max_functions},
        {"fn_stats", options.max_functions},
        {"fn_port", options.max_functions * kPortsPerFunction},
        {"veth", options.max_pods},
        {"pod_name", options.max_pods},
        {"local_addr", options.max_pods * DF_VETH_ADDRS},
        {"budget", options.max_pods * 2},  // one for each direction
        {"ip_id", options.max_endpoints + options.max_vips},
        {"ep", options.max_endpoints},
        {"ep_open", options.max_endpoints},
        {"slots", options.max_endpoints * 2},  // a list and its successor
        {"vip", options.max_vips},
        {"allow", options.max_edges},
        {"edge", options.max_edges},
        {"edge_stats", options.max_edges},
        {"ct", options.max_connections},
    };
}

/// Makes a map of the object a table that is pinned already.
Result<void> reuse(bpf_map* map, const UniqueFd& table) {
    const std::string name = bpf_map__name(map);
    const auto same = same_shape(map, table.get());
    if (!same) {
        return std::unexpected(same.error());
    }
    if (!*same) {
        return util::fail(fmt::format(
            "the pinned table `{}` has another layout than this agent's; remove the instance with "
            "the version that made it (directfaas-agent --remove)",
            name));
    }
    if (const int status = bpf_map__reuse_fd(map, table.get()); status != 0) {
        return fail_errno("using the pinned table " + name, -status);
    }
    return {};
}

/// A table that is there already: of this layout, or of the one that it goes on from.
UniqueFd present(const bpf_map* map, const Pins& pins, const std::optional<Pins>& before) {
    const std::string name = bpf_map__name(map);
    UniqueFd table(bpf_obj_get(pins.table(name).c_str()));
    if (!table.valid() && before && is_state(map)) {
        table.reset(bpf_obj_get(before->table(name).c_str()));
    }
    return table;
}

Result<void> prepare_tables(bpf_object* object, const Options& options, const Pins& pins) {
    const Capacities wanted = capacities(options);
    const auto before = predecessor(object, pins);
    if (!before) {
        return std::unexpected(before.error());
    }
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object) {
        if (bpf_map__is_internal(map)) {
            continue;  // read-only data of this program alone
        }
        const std::string name = bpf_map__name(map);
        if (name == "ep_open") {
            // The sweep reads all of it each time.
            bpf_map__set_map_flags(map, bpf_map__map_flags(map) | BPF_F_MMAPABLE);
        }
        if (const UniqueFd table = present(map, pins, *before); table.valid()) {
            if (auto reused = reuse(map, table); !reused) {
                return reused;
            }
        } else if (const auto size = wanted.find(name); size != wanted.end()) {
            bpf_map__set_max_entries(map, size->second);
        }
    }
    return {};
}

Result<void> pin_tables(const bpf_object* object, const Pins& pins) {
    const bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object) {
        const std::string path = pins.table(bpf_map__name(map));
        if (bpf_map__is_internal(map) || UniqueFd(bpf_obj_get(path.c_str())).valid()) {
            continue;
        }
        if (auto pinned = Pins::pin(bpf_map__fd(map), path); !pinned) {
            return pinned;
        }
    }
    return {};
}

/// Loads one object and returns its only program.
template <typename Skeleton>
Result<UniqueFd> load(const Options& options, const Pins& pins, Mechanism mechanism,
                      const char* name, Hook hook) {
    const std::unique_ptr<Skeleton, void (*)(Skeleton*)> skeleton(Skeleton::open(),
                                                                  Skeleton::destroy);
    if (skeleton == nullptr) {
        return fail_errno(fmt::format("opening program {}", name));
    }
    skeleton->rodata->node.coarse_clock = has_coarse_clock() ? 1 : 0;
    if (auto prepared = prepare_tables(skeleton->obj, options, pins); !prepared) {
        return std::unexpected(prepared.error());
    }
    bpf_program* program = bpf_object__find_program_by_name(skeleton->obj, name);
    if (mechanism == Mechanism::kTcx) {
        bpf_program__set_expected_attach_type(program,
                                              static_cast<bpf_attach_type>(tcx::attach_type(hook)));
    }
    LibbpfLog messages;
    if (const int status = Skeleton::load(skeleton.get()); status != 0) {
        return fail_errno(fmt::format("loading program {}; libbpf says: {}", name, messages.tail()),
                          -status);
    }
    if (auto pinned = pin_tables(skeleton->obj, pins); !pinned) {
        return std::unexpected(pinned.error());
    }
    UniqueFd fd(fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 0));
    if (auto pinned = Pins::pin(fd.get(), pins.program(name)); !pinned) {
        return std::unexpected(pinned.error());
    }
    return fd;
}

/// The table no program uses, see maps/identity.h.
Result<void> make_pod_names(const Options& options, const Pins& pins) {
    const std::string path = pins.table("pod_name");
    if (UniqueFd(bpf_obj_get(path.c_str())).valid()) {
        return {};
    }
    for (const Pins& other : pins.other_layouts()) {
        const auto before =
            RawMap::open(other.table("pod_name"), "pod_name",
                         {BPF_MAP_TYPE_HASH, sizeof(std::uint32_t), sizeof(df_pod_name)});
        if (before) {
            return Pins::pin(before->fd(), path);
        }
    }
    LIBBPF_OPTS(bpf_map_create_opts, create);
    create.map_flags = BPF_F_NO_PREALLOC;
    const UniqueFd table(bpf_map_create(BPF_MAP_TYPE_HASH, "pod_name", sizeof(std::uint32_t),
                                        sizeof(df_pod_name), options.max_pods, &create));
    if (!table.valid()) {
        return fail_errno("making table pod_name");
    }
    return Pins::pin(table.get(), path);
}

}  // namespace

Result<Programs> load_programs(const Options& options, const Pins& pins, Mechanism mechanism) {
    if (auto made = make_pod_names(options, pins); !made) {
        return std::unexpected(made.error());
    }
    auto from_pod = load<from_pod_bpf>(options, pins, mechanism, "from_pod", Hook::kIngress);
    if (!from_pod) {
        return std::unexpected(from_pod.error());
    }
    auto to_pod = load<to_pod_bpf>(options, pins, mechanism, "to_pod", Hook::kEgress);
    if (!to_pod) {
        return std::unexpected(to_pod.error());
    }
    auto sweep = load<sweep_bpf>(options, pins, Mechanism::kClsact, "sweep", Hook::kIngress);
    if (!sweep) {
        return std::unexpected(sweep.error());
    }
    auto replay = load<replay_bpf>(options, pins, mechanism, "replay", Hook::kEgress);
    if (!replay) {
        return std::unexpected(replay.error());
    }
    auto uplink =
        options.uplinks.devices.empty()
            ? UniqueFd()
            : load<uplink_bpf>(options, pins, Mechanism::kClsact, "uplink", Hook::kIngress);
    if (!uplink) {
        return std::unexpected(uplink.error());
    }
    return Programs{std::move(*from_pod), std::move(*to_pod), std::move(*sweep), std::move(*replay),
                    std::move(*uplink)};
}

void warn_of_sizes(const Options& options, const std::vector<const RawMap*>& tables) {
    const Capacities wanted = capacities(options);
    std::string kept;
    for (const RawMap* table : tables) {
        const auto size = wanted.find(table->name());
        if (size != wanted.end() && size->second != table->capacity()) {
            kept += fmt::format("{}`{}` {} instead of {}", kept.empty() ? "" : ", ", table->name(),
                                table->capacity(), size->second);
        }
    }
    if (!kept.empty()) {
        util::log::warning(
            "tables keep the size they were made with: {}. To change it: dfctl detach --all, then "
            "start the agent",
            kept);
    }
}

bool has_coarse_clock() {
    LibbpfLog quiet;
    return libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_ktime_get_coarse_ns,
                                   nullptr) == 1;
}

}  // namespace directfaas::backend::ebpf
