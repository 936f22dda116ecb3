// SPDX-License-Identifier: Apache-2.0
// Removal without a loaded backend, also of what another layout version left.
#include <net/if.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <set>

#include "agent/backend/ebpf/clsact.h"
#include "agent/backend/ebpf/ebpf_backend.h"
#include "agent/backend/ebpf/libbpf_log.h"
#include "agent/backend/ebpf/pins.h"
#include "agent/backend/ebpf/replay.h"

namespace directfaas::backend::ebpf {
namespace {

using util::Result;

/// Our filters are known by their handle, wherever they are; tcx links end with their pins.
Result<void> remove_filters(unsigned ifindex, std::uint32_t handle) {
    bool found = false;
    for (const Hook hook : {Hook::kIngress, Hook::kEgress}) {
        for (const auto& filter : clsact::filters(ifindex, hook)) {
            if (filter.kind != "bpf" || filter.handle != handle) {
                continue;
            }
            found = true;
            if (auto done = clsact::detach(ifindex, hook, {handle, filter.priority}); !done) {
                return done;
            }
        }
    }
    return found ? clsact::remove_unused_qdisc(ifindex) : Result<void>();
}

Result<void> remove_all_filters(std::uint32_t handle) {
    const std::unique_ptr<struct if_nameindex, void (*)(struct if_nameindex*)> list(
        ::if_nameindex(), if_freenameindex);
    if (list == nullptr) {
        return util::fail_errno("listing interfaces");
    }
    for (const auto* entry = list.get(); entry->if_index != 0; ++entry) {
        if (auto done = remove_filters(entry->if_index, handle); !done) {
            return done;
        }
    }
    return {};
}

}  // namespace

Result<void> remove_instance(const Options& options) {
    if (options.instance.empty()) {
        return util::fail("remove an instance: it has no name; pass --instance NAME");
    }
    route_libbpf_messages();
    std::optional<Pins> pins;
    std::error_code error;
    if (std::filesystem::exists(Pins::instance_folder(options.bpffs, options.instance), error)) {
        auto opened = Pins::open(options.bpffs, options.instance);
        if (!opened) {
            return std::unexpected(opened.error());
        }
        pins = std::move(*opened);
    }
    auto done = remove_all_filters(filter_handle(options.instance));
    if (done) {
        done = Replay::remove(options.instance);
    }
    if (done && pins) {
        done = pins->remove_all();
    }
    return done;
}

}  // namespace directfaas::backend::ebpf
