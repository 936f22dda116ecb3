// SPDX-License-Identifier: Apache-2.0
// Where the kernel state of an instance lives between processes:
// <bpffs>/directfaas/<instance>/v<layout>/{tables, prog/, link/}, all 0700.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::backend::ebpf {

/// Which end of an interface a program sits on, as the host sees it.
enum class Hook : std::uint8_t { kIngress, kEgress };

class Pins {
   public:
    /// Mounts bpffs if needed, makes the folders and locks the instance until destruction.
    static util::Result<Pins> open(const std::string& bpffs, const std::string& instance);

    /// Only the paths: makes, mounts and locks nothing.
    static Pins describe(const std::string& bpffs, const std::string& instance);

    [[nodiscard]] std::string table(const std::string& name) const;
    [[nodiscard]] std::string program(const std::string& name) const;
    /// link/<ifindex>-in and link/<ifindex>-out.
    [[nodiscard]] std::string link(unsigned ifindex, Hook hook) const;
    /// link/uplink-<name>
    [[nodiscard]] std::string uplink(const std::string& name) const;
    /// Paths of those that are pinned.
    [[nodiscard]] std::vector<std::string> uplinks() const;
    /// Interfaces that have a link pinned, dead ones included; no uplinks.
    [[nodiscard]] std::vector<unsigned> linked_interfaces() const;

    /// Ids of the links that other instances have pinned in the same bpffs.
    [[nodiscard]] std::set<std::uint32_t> links_of_other_instances() const;

    /// Pins under `path`, in one step if something is pinned there already.
    static util::Result<void> pin(int fd, const std::string& path);
    /// No error if there is nothing.
    static util::Result<void> unpin(const std::string& path);
    /// Ends the link pinned at `path` before this returns, and removes the pin; without that, the
    /// program would run on until the kernel gets round to it.
    static util::Result<void> end_link(const std::string& path);
    /// Of the same instance: those of other layouts that left something, newest first.
    [[nodiscard]] std::vector<Pins> other_layouts() const;
    /// Moves the links of `other` here, where they hold their interfaces on. Where there is one
    /// here already, the other one ends.
    util::Result<void> take_links(const Pins& other) const;
    /// Removes the folder of this layout alone; links that are still in it end with that.
    util::Result<void> remove_layout();

    /// Removes the instance's folders and whatever is pinned in them; links end with that.
    util::Result<void> remove_all();

    /// <bpffs>/directfaas/<instance>, whether it exists or not.
    static std::string instance_folder(const std::string& bpffs, const std::string& instance);

   private:
    std::string root_;       // .../<instance>
    std::string versioned_;  // .../<instance>/v<layout>
    util::UniqueFd lock_;
};

/// Whether `path` is the root of, or inside, a mounted bpffs.
bool is_bpffs(const std::string& path);

/// Mounts a bpffs at `path`, which is made if it is missing, unless there is one. Needs
/// CAP_SYS_ADMIN.
util::Result<void> mount_bpffs(const std::string& path);

}  // namespace directfaas::backend::ebpf
