// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/uplinks.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <net/if.h>

#include <cerrno>

#include "agent/backend/ebpf/tcx.h"
#include "lib/util/log.h"

namespace directfaas::backend::ebpf {
namespace {

using util::Result;
using util::UniqueFd;

std::string_view mode_word(UplinkMode mode) {
    return mode == UplinkMode::kNative ? "native" : "generic";
}

Result<UniqueFd> attach(int program, unsigned ifindex, UplinkMode mode) {
    LIBBPF_OPTS(bpf_link_create_opts, options);
    options.flags = mode == UplinkMode::kNative ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
    const int link = bpf_link_create(program, static_cast<int>(ifindex), BPF_XDP, &options);
    if (link >= 0) {
        return UniqueFd(link);
    }
    switch (-link) {
        case EBUSY:
        case EEXIST:
            return util::fail(
                "another XDP program is on it; take that away (`ip link set DEV xdp off`, or ask "
                "who made it), or do without --uplink");
        case EOPNOTSUPP:
            return util::fail(fmt::format("the device has no {} XDP; use --uplink-mode generic",
                                          mode_word(mode)));
        default:
            return util::fail_errno("attaching the XDP program", -link);
    }
}

bool lives(const UniqueFd& link, unsigned ifindex) {
    if (!link.valid()) {
        return false;
    }
    const auto found = tcx::describe(link.get());
    return found && found->ifindex == ifindex;
}

}  // namespace

/// The mode is part of the name: a link cannot change it.
std::string Uplinks::pin_of(const std::string& device) const {
    return pins_->uplink(fmt::format("{}-{}", device, mode_word(options_.mode)));
}

Result<void> Uplinks::load(int program) {
    program_ = program;
    for (const std::string& device : options_.devices) {
        guards_[device];
    }
    for (const std::string& path : pins_->uplinks()) {
        bool wanted = false;
        for (const auto& [device, guard] : guards_) {
            wanted = wanted || path == pin_of(device);
        }
        if (wanted) {
            const UniqueFd link(bpf_obj_get(path.c_str()));
            if (link.valid() && bpf_link_update(link.get(), program_, nullptr) == 0) {
                continue;
            }  // else its device is gone
        }
        if (auto ended = Pins::end_link(path); !ended) {
            return ended;
        }
    }
    look();
    return {};
}

Result<UniqueFd> Uplinks::guard(const std::string& device) const {
    const unsigned ifindex = if_nametoindex(device.c_str());
    if (ifindex == 0) {
        return util::fail("there is no such device; it is guarded as soon as it comes");
    }
    const std::string path = pin_of(device);
    if (UniqueFd pinned(bpf_obj_get(path.c_str())); lives(pinned, ifindex)) {
        return pinned;
    }
    if (auto ended = Pins::end_link(path); !ended) {
        return std::unexpected(ended.error());
    }
    auto link = attach(program_, ifindex, options_.mode);
    if (link) {
        if (auto pinned = Pins::pin(link->get(), path); !pinned) {
            return std::unexpected(pinned.error());
        }
    }
    return link;
}

void Uplinks::look() {
    for (auto& [device, state] : guards_) {
        if (const unsigned ifindex = if_nametoindex(device.c_str());
            ifindex != 0 && lives(state.link, ifindex)) {
            continue;
        }
        auto link = guard(device);
        std::string problem = link ? "" : link.error().text();
        state.link = link ? std::move(*link) : UniqueFd();
        if (problem != state.problem) {
            problem.empty()
                ? util::log::info("uplink {}: guarded ({} XDP)", device, mode_word(options_.mode))
                : util::log::warning("uplink {}: not guarded: {}", device, problem);
            state.problem = std::move(problem);
        }
    }
}

Result<void> Uplinks::detach_all() {
    guards_.clear();
    for (const std::string& path : pins_->uplinks()) {
        if (auto ended = Pins::end_link(path); !ended) {
            return ended;
        }
    }
    return {};
}

std::vector<UplinkStanding> Uplinks::standing() const {
    std::vector<UplinkStanding> all;
    all.reserve(guards_.size());
    for (const auto& [device, guard] : guards_) {
        all.push_back({device, guard.problem});
    }
    return all;
}

}  // namespace directfaas::backend::ebpf
