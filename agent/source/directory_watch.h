// SPDX-License-Identifier: Apache-2.0
// inotify on one directory that may vanish, come back, be replaced or be a symbolic link. Knows
// names, not contents.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::source {

/// What happened since the last read(), by name, dotfiles included.
struct Changes {
    std::set<std::string> written;   // closed by a writer, or renamed to this name
    std::set<std::string> created;   // there, perhaps not written yet
    std::set<std::string> vanished;  // deleted, or renamed to another name
    std::set<std::string> touched;   // permissions or times
    bool lost = false;               // the kernel dropped events
    bool directory = false;          // call check(): the directory itself changed
};

class DirectoryWatch {
   public:
    enum class Presence : std::uint8_t { kSame, kNew, kAway };

    /// Fails if the kernel gives no inotify descriptor.
    static util::Result<DirectoryWatch> create(std::string path);

    [[nodiscard]] int fd() const { return inotify_.get(); }

    /// Compares what the path names now with what is watched, and watches that. Scan after kNew.
    Presence check();
    /// Why changes inside the directory are not seen; nothing if they are.
    [[nodiscard]] const std::optional<util::Error>& blind() const { return blind_; }

    /// The path is a symbolic link to the directory.
    [[nodiscard]] bool is_link() const { return link_; }

    /// Takes the waiting events, a bounded number of them. Never blocks.
    Changes read();

   private:
    using Identity = std::pair<std::uint64_t, std::uint64_t>;  // device, inode

    DirectoryWatch(std::string path, util::UniqueFd inotify);
    [[nodiscard]] std::optional<Identity> identify() const;
    void watch_directory();
    void unwatch_directory();
    void watch_parent(bool wanted);
    void take(const char* buffer, std::size_t length, Changes& changes);

    std::string path_;
    std::string parent_;
    std::string name_;  // within parent_; empty: has no parent to watch
    util::UniqueFd inotify_;
    std::optional<Identity> watched_;
    std::optional<util::Error> blind_;
    bool link_ = false;
    int directory_wd_ = -1;
    int parent_wd_ = -1;
};

}  // namespace directfaas::source
