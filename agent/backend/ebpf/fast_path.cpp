// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/fast_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "agent/backend/veth.h"
#include "lib/util/log.h"

namespace directfaas::backend::ebpf {
namespace {

using util::Result;

/// What a packet past this interface's queue and hooks would miss; empty: nothing.
std::string obstacle_of(const df_veth& entry, const Result<VethFacts>& veth,
                        const std::vector<ForeignProgram>& foreign) {
    if ((entry.flags & DF_VETH_STACK) != 0) {
        return "a NetworkPolicy selects the pod";
    }
    if (!veth) {
        return veth.error().text();
    }
    if (veth->qdisc != "noqueue" && veth->qdisc != "noop") {  // noop: it is down
        return "qdisc " + veth->qdisc;
    }
    if (veth->pod_has_xdp) {
        return "XDP program in the pod";
    }
    if (veth->mtu > std::numeric_limits<std::uint16_t>::max()) {
        return fmt::format("MTU {}", veth->mtu);
    }
    if (!foreign.empty()) {
        const bool in = foreign.front().hook == Hook::kIngress;
        return fmt::format("{} at tc {}", foreign.front().description, in ? "ingress" : "egress");
    }
    return {};
}

}  // namespace

Result<void> FastPath::look(unsigned ifindex) {
    const auto before = tables_->veth.get(ifindex);
    if (!before || !*before) {
        return before ? Result<void>() : std::unexpected(before.error());
    }
    const auto veth = veth_facts(ifindex);
    const auto foreign = attacher_->foreign(ifindex);
    if (foreign.empty()) {
        shared_.erase(ifindex);
    } else {
        shared_.insert(ifindex);
    }
    auto obstacle = obstacle_of(**before, veth, foreign);
    df_veth entry = **before;
    entry.flags &= static_cast<std::uint16_t>(~DF_VETH_FAST);
    if (obstacle.empty()) {
        entry.flags |= DF_VETH_FAST;
        entry.mtu = static_cast<std::uint16_t>(veth->mtu);
        std::ranges::copy(veth->pod_mac, entry.mac);
        obstacles_.erase(ifindex);
    } else if (auto& known = obstacles_[ifindex]; known != obstacle) {
        known = std::move(obstacle);
        util::log::info("interface {}: no fast path: {}", ifindex, known);
    }
    return write(ifindex, **before, entry);
}

/// Connections to the pod change over when its routes say so, so new ones are stopped first.
Result<void> FastPath::write(unsigned ifindex, const df_veth& before, const df_veth& entry) {
    if (std::memcmp(&entry, &before, sizeof(entry)) != 0) {
        if (auto put = tables_->veth.put(ifindex, entry); !put) {
            return put;
        }
    }
    return routes_->set_fast(ifindex, (entry.flags & DF_VETH_FAST) != 0);
}

Result<void> FastPath::forget(unsigned ifindex) {
    obstacles_.erase(ifindex);
    shared_.erase(ifindex);
    const auto before = tables_->veth.get(ifindex);
    if (!before || !*before) {
        return before ? routes_->set_fast(ifindex, false) : std::unexpected(before.error());
    }
    df_veth entry = **before;
    entry.flags &= static_cast<std::uint16_t>(~DF_VETH_FAST);
    return write(ifindex, **before, entry);
}

Result<void> FastPath::look_in_turn(const std::set<unsigned>& attached) {
    const auto now = Clock::now();
    if (attached.empty() || now - looked_ < kPeriod) {
        return {};
    }
    looked_ = now;
    const auto next = attached.upper_bound(last_);
    last_ = next == attached.end() ? *attached.begin() : *next;
    return look(last_);
}

}  // namespace directfaas::backend::ebpf
