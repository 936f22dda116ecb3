// SPDX-License-Identifier: Apache-2.0
#include "agent/source/directory_watch.h"

#include <sys/inotify.h>
#include <sys/stat.h>

#include <array>
#include <cstring>

namespace directfaas::source {
namespace {

constexpr std::uint32_t kInside = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
                                  IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |
                                  IN_ONLYDIR;
constexpr std::uint32_t kBeside = IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_MASK_ADD;
constexpr std::size_t kBuffer = 1 << 16;
constexpr int kMaxReads = 64;

bool is_symlink(const std::string& path) {
    struct stat status{};
    return lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
}

}  // namespace

util::Result<DirectoryWatch> DirectoryWatch::create(std::string path) {
    util::UniqueFd inotify(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!inotify.valid()) {
        return util::fail_errno("create an inotify instance (see fs.inotify.max_user_instances)");
    }
    return DirectoryWatch(std::move(path), std::move(inotify));
}

DirectoryWatch::DirectoryWatch(std::string path, util::UniqueFd inotify)
    : path_(std::move(path)), inotify_(std::move(inotify)) {
    const auto slash = path_.rfind('/');
    name_ = slash == std::string::npos ? path_ : path_.substr(slash + 1);
    parent_ = slash == std::string::npos ? "." : path_.substr(0, slash == 0 ? 1 : slash);
    if (name_ == "." || name_ == "..") {
        name_.clear();
    }
}

std::optional<DirectoryWatch::Identity> DirectoryWatch::identify() const {
    struct stat status{};
    if (stat(path_.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
        return std::nullopt;
    }
    return Identity{status.st_dev, status.st_ino};
}

DirectoryWatch::Presence DirectoryWatch::check() {
    auto now = identify();
    if (!now) {
        unwatch_directory();
        watch_parent(true);
        now = identify();  // it may have come back before the parent was watched
    }
    if (!now) {
        return Presence::kAway;
    }
    if (now == watched_) {
        if (blind_) {
            watch_directory();
        }
        return Presence::kSame;
    }
    // Until the watch and the identity are of one directory, whoever swaps them meanwhile.
    while (now && now != watched_) {
        watch_directory();
        watched_ = now;
        now = identify();
    }
    if (!now) {
        return check();
    }
    link_ = is_symlink(path_);
    watch_parent(link_);
    return Presence::kNew;
}

void DirectoryWatch::watch_directory() {
    const int wd = inotify_add_watch(inotify_.get(), path_.c_str(), kInside);
    const int code = errno;
    if (directory_wd_ >= 0 && directory_wd_ != wd) {
        inotify_rm_watch(inotify_.get(), directory_wd_);
    }
    directory_wd_ = wd;
    blind_.reset();
    if (wd < 0) {
        blind_ = util::Error{code, "watch " + path_};
    }
}

void DirectoryWatch::unwatch_directory() {
    if (directory_wd_ >= 0) {
        inotify_rm_watch(inotify_.get(), directory_wd_);
    }
    directory_wd_ = -1;
    watched_.reset();
    blind_.reset();
}

void DirectoryWatch::watch_parent(bool wanted) {
    if (wanted && parent_wd_ < 0 && !name_.empty()) {
        // No parent either: the periodic rescan finds the directory.
        parent_wd_ = inotify_add_watch(inotify_.get(), parent_.c_str(), kBeside);
    } else if (!wanted && parent_wd_ >= 0) {
        inotify_rm_watch(inotify_.get(), parent_wd_);
        parent_wd_ = -1;
    }
}

Changes DirectoryWatch::read() {
    alignas(inotify_event) std::array<char, kBuffer> buffer;
    Changes changes;
    for (int i = 0; i < kMaxReads; ++i) {
        const auto length = ::read(inotify_.get(), buffer.data(), buffer.size());
        if (length <= 0) {
            break;
        }
        take(buffer.data(), static_cast<std::size_t>(length), changes);
    }
    return changes;
}

void DirectoryWatch::take(const char* buffer, std::size_t length, Changes& changes) {
    for (std::size_t at = 0; at < length;) {
        inotify_event event{};
        std::memcpy(&event, buffer + at, sizeof(event));
        // The kernel ends names with zeros up to event.len.
        const std::string name(event.len > 0 ? buffer + at + sizeof(event) : "");
        at += sizeof(event) + event.len;
        if ((event.mask & IN_Q_OVERFLOW) != 0) {
            changes.lost = true;
        } else if (event.wd == parent_wd_ && event.wd != directory_wd_) {
            if ((event.mask & IN_IGNORED) != 0) {
                parent_wd_ = -1;
            }
            changes.directory = changes.directory || name == name_ || parent_wd_ < 0;
        } else if (event.wd != directory_wd_) {
            continue;  // of a directory watched before
        } else if ((event.mask & IN_IGNORED) != 0) {
            directory_wd_ = -1;
            watched_.reset();
            changes.directory = true;
        } else if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) != 0) {
            changes.directory = true;
        } else if ((event.mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0) {
            changes.written.insert(name);
        } else if ((event.mask & IN_CREATE) != 0) {
            changes.created.insert(name);
        } else if ((event.mask & (IN_DELETE | IN_MOVED_FROM)) != 0) {
            changes.vanished.insert(name);
        } else if (!name.empty()) {
            changes.touched.insert(name);
        }
    }
}

}  // namespace directfaas::source
