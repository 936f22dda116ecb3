// SPDX-License-Identifier: Apache-2.0
// Puts the two programs on an interface and keeps exactly one pair there, whatever earlier
// processes, mounts or settings left behind.
#pragma once

#include <string>
#include <vector>

#include "agent/backend/ebpf/clsact.h"
#include "agent/backend/ebpf/pins.h"
#include "lib/util/result.h"

namespace directfaas::backend::ebpf {

/// How the programs are hooked, once the kernel has been asked.
enum class Mechanism : std::uint8_t { kTcx, kClsact };

/// A program of somebody else on a hook that we share.
struct ForeignProgram {
    Hook hook{};
    std::string description;  // "tcx program 17 (name)", "tc filter pref 10 bpf name"
    bool first = false;       // it runs before ours (ingress) or after ours (egress)
};

class Attacher {
   public:
    Attacher(const Pins& pins, Mechanism mechanism, clsact::Place place)
        : pins_(&pins), mechanism_(mechanism), place_(place) {}

    /// Attaches `program`, or replaces it in place; idempotent. Whatever else of this instance is
    /// on the hook (another mechanism or priority, a pin that was lost) is taken away afterwards.
    /// ENODEV when the interface is gone. True if a clsact qdisc had to be added.
    util::Result<bool> attach(unsigned ifindex, Hook hook, int program, const std::string& name);
    /// Takes away everything of this instance on the hook. No error if the interface is gone.
    util::Result<void> detach(unsigned ifindex, Hook hook);
    /// After detach(): also takes the clsact qdisc away if nobody uses it.
    util::Result<void> remove_qdisc(unsigned ifindex);

    /// Whether a program of ours runs on the hook.
    [[nodiscard]] bool attached(unsigned ifindex, Hook hook) const;
    /// Programs of others on the interface.
    [[nodiscard]] std::vector<ForeignProgram> foreign(unsigned ifindex) const;
    [[nodiscard]] Mechanism mechanism() const { return mechanism_; }

   private:
    util::Result<void> attach_tcx(unsigned ifindex, Hook hook, int program);
    util::Result<bool> attach_clsact(unsigned ifindex, Hook hook, int program);
    util::Result<void> detach_tcx(unsigned ifindex, Hook hook);
    util::Result<void> detach_filters(unsigned ifindex, Hook hook, unsigned kept_priority);
    void end_lost_links(unsigned ifindex, Hook hook, const std::string& name) const;
    [[nodiscard]] std::uint32_t own_link(unsigned ifindex, Hook hook) const;

    const Pins* pins_;
    Mechanism mechanism_;
    clsact::Place place_;
};

/// A handle for the filters of `instance`, never 0.
std::uint32_t filter_handle(const std::string& instance);

}  // namespace directfaas::backend::ebpf
