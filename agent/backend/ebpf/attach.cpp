// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/attach.h"

#include <bpf/bpf.h>
#include <fmt/format.h>

#include <set>

#include "agent/backend/ebpf/tcx.h"
#include "lib/util/log.h"

namespace directfaas::backend::ebpf {
namespace {

using util::Result;
using util::UniqueFd;

bool is_ours(const clsact::Filter& filter, const clsact::Place& place) {
    return filter.kind == "bpf" && filter.handle == place.handle;
}

/// The link that is pinned at `path`, if it still holds the interface.
std::pair<UniqueFd, tcx::Link> live_link(const std::string& path, unsigned ifindex) {
    UniqueFd link(bpf_obj_get(path.c_str()));
    if (!link.valid()) {
        return {};
    }
    const auto found = tcx::describe(link.get());
    if (!found || found->ifindex != ifindex) {
        return {};
    }
    return {std::move(link), *found};
}

}  // namespace

std::uint32_t filter_handle(const std::string& instance) {
    std::uint32_t hash = 2166136261U;  // FNV-1a
    for (const char c : instance) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    }
    return (hash & 0x7fffffffU) | 1U;
}

Result<bool> Attacher::attach(unsigned ifindex, Hook hook, int program, const std::string& name) {
    if (mechanism_ == Mechanism::kClsact) {
        auto added = attach_clsact(ifindex, hook, program);
        if (!added) {
            return added;
        }
        auto done = detach_filters(ifindex, hook, place_.priority);
        if (done) {
            done = detach_tcx(ifindex, hook);
        }
        return done ? added : std::unexpected(done.error());
    }
    auto done = attach_tcx(ifindex, hook, program);
    if (done) {
        end_lost_links(ifindex, hook, name);
        done = detach_filters(ifindex, hook, 0);
    }
    return done ? Result<bool>(false) : std::unexpected(done.error());
}

Result<void> Attacher::attach_tcx(unsigned ifindex, Hook hook, int program) {
    const std::string path = pins_->link(ifindex, hook);
    if (const auto [link, found] = live_link(path, ifindex); link.valid()) {
        const int status = bpf_link_update(link.get(), program, nullptr);
        if (status == 0) {
            return {};
        }
        if (status != -ENOLINK) {
            return util::fail_errno(fmt::format("replacing the program on interface {}", ifindex),
                                    -status);
        }
    }
    // No pin, or one of an interface that is gone and whose number was given to this one.
    if (auto unpinned = Pins::unpin(path); !unpinned) {
        return unpinned;
    }
    const auto link = tcx::attach(program, ifindex, hook);
    if (!link) {
        return std::unexpected(link.error());
    }
    return Pins::pin(link->get(), path);
}

Result<bool> Attacher::attach_clsact(unsigned ifindex, Hook hook, int program) {
    auto added = clsact::add_qdisc(ifindex);
    if (!added) {
        return added;
    }
    if (auto done = clsact::attach(program, ifindex, hook, place_); !done) {
        return std::unexpected(done.error());
    }
    return added;
}

Result<void> Attacher::detach(unsigned ifindex, Hook hook) {
    if (auto done = detach_tcx(ifindex, hook); !done) {
        return done;
    }
    return detach_filters(ifindex, hook, 0);
}

Result<void> Attacher::detach_tcx(unsigned ifindex, Hook hook) {
    return Pins::end_link(pins_->link(ifindex, hook));
}

/// Detaches our filters but the one of `kept_priority`.
Result<void> Attacher::detach_filters(unsigned ifindex, Hook hook, unsigned kept_priority) {
    for (const auto& filter : clsact::filters(ifindex, hook)) {
        if (!is_ours(filter, place_) || filter.priority == kept_priority) {
            continue;
        }
        if (auto done = clsact::detach(ifindex, hook, {filter.handle, filter.priority}); !done) {
            return done;
        }
    }
    return {};
}

Result<void> Attacher::remove_qdisc(unsigned ifindex) {
    return clsact::remove_unused_qdisc(ifindex);
}

/// A link whose pin is out of reach (bpffs mounted anew over the old one) would run our program
/// twice. Seen only with CAP_SYS_ADMIN; without it the program is reported as foreign.
void Attacher::end_lost_links(unsigned ifindex, Hook hook, const std::string& name) const {
    const auto running = tcx::running(ifindex, hook);
    const std::uint32_t own = own_link(ifindex, hook);
    std::set<std::uint32_t> of_others;
    for (const auto& program : running) {
        if (program.link_id == 0 || program.link_id == own ||
            tcx::program_name(program.program_id) != name) {
            continue;
        }
        if (of_others.empty()) {
            of_others = pins_->links_of_other_instances();
        }
        if (of_others.contains(program.link_id)) {
            continue;
        }
        const auto ended = tcx::detach(program.link_id);
        util::log::warning("interface {}: link {} of an earlier {} without a pin {}", ifindex,
                           program.link_id, name,
                           ended ? "was detached" : "is left: " + ended.error().text());
    }
}

std::uint32_t Attacher::own_link(unsigned ifindex, Hook hook) const {
    const auto [link, found] = live_link(pins_->link(ifindex, hook), ifindex);
    return link.valid() ? found.id : 0;
}

bool Attacher::attached(unsigned ifindex, Hook hook) const {
    if (own_link(ifindex, hook) != 0) {
        return true;
    }
    for (const auto& filter : clsact::filters(ifindex, hook)) {
        if (is_ours(filter, place_)) {
            return true;
        }
    }
    return false;
}

std::vector<ForeignProgram> Attacher::foreign(unsigned ifindex) const {
    std::vector<ForeignProgram> list;
    for (const Hook hook : {Hook::kIngress, Hook::kEgress}) {
        const std::uint32_t own = own_link(ifindex, hook);
        bool passed_ours = false;
        for (const auto& program : tcx::running(ifindex, hook)) {
            if (program.link_id == own && own != 0) {
                passed_ours = true;
                continue;
            }
            const auto name = tcx::program_name(program.program_id);
            list.push_back({hook,
                            fmt::format("tcx program {}{}", program.program_id,
                                        name ? " (" + *name + ")" : ""),
                            (hook == Hook::kIngress) != passed_ours});
        }
        for (const auto& filter : clsact::filters(ifindex, hook)) {
            if (is_ours(filter, place_)) {
                passed_ours = true;
                continue;
            }
            list.push_back(
                {hook,
                 fmt::format("tc filter pref {} {} {}", filter.priority, filter.kind, filter.name),
                 (hook == Hook::kIngress) != passed_ours});
        }
    }
    return list;
}

}  // namespace directfaas::backend::ebpf
