// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/pins.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <charconv>
#include <filesystem>
#include <functional>
#include <map>

#include "lib/util/number.h"
#include "maps/config.h"

namespace directfaas::backend::ebpf {
namespace {

namespace fs = std::filesystem;
using util::fail;
using util::fail_errno;
using util::Result;

constexpr std::string_view kUplink = "uplink-";

/// bpffs reserves names with dots, and node names are full of them.
std::string folder_name(const std::string& instance) {
    std::string name;
    for (const char c : instance) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_';
        name += plain
                    ? std::string(1, c)
                    : fmt::format("%{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
    return name;
}

Result<void> make_folder(const std::string& path) {
    if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
        return fail_errno("making " + path);
    }
    return {};
}

}  // namespace

bool is_bpffs(const std::string& path) {
    struct statfs info{};
    return statfs(path.c_str(), &info) == 0 &&
           static_cast<std::uint32_t>(info.f_type) == static_cast<std::uint32_t>(BPF_FS_MAGIC);
}

Result<void> mount_bpffs(const std::string& path) {
    if (is_bpffs(path)) {
        return {};
    }
    std::error_code ignored;
    fs::create_directories(path, ignored);
    if (mount("bpf", path.c_str(), "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") != 0) {
        return fail_errno(fmt::format(
            "{} is not a bpf file system and mounting one failed; run `mount -t bpf bpf {}` "
            "(on Kubernetes the chart does it with mountBpffs=true)",
            path, path));
    }
    return {};
}

std::string Pins::instance_folder(const std::string& bpffs, const std::string& instance) {
    return bpffs + "/directfaas/" + folder_name(instance);
}

Pins Pins::describe(const std::string& bpffs, const std::string& instance) {
    Pins pins;
    pins.root_ = instance_folder(bpffs, instance);
    pins.versioned_ = fmt::format("{}/v{}", pins.root_, DF_LAYOUT_VERSION);
    return pins;
}

Result<Pins> Pins::open(const std::string& bpffs, const std::string& instance) {
    if (instance.empty()) {
        return fail("the instance has no name: set --instance");
    }
    if (auto mounted = mount_bpffs(bpffs); !mounted) {
        return std::unexpected(mounted.error());
    }
    Pins pins = describe(bpffs, instance);
    for (const auto& folder : {bpffs + "/directfaas", pins.root_, pins.versioned_,
                               pins.versioned_ + "/prog", pins.versioned_ + "/link"}) {
        if (auto made = make_folder(folder); !made) {
            return std::unexpected(made.error());
        }
    }
    pins.lock_.reset(::open(pins.root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!pins.lock_.valid()) {
        return fail_errno("opening " + pins.root_);
    }
    if (flock(pins.lock_.get(), LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK
                   ? fail(fmt::format("instance {} is served by a running agent", instance))
                   : fail_errno("locking " + pins.root_);
    }
    return pins;
}

std::string Pins::table(const std::string& name) const { return versioned_ + "/" + name; }

std::string Pins::program(const std::string& name) const { return versioned_ + "/prog/" + name; }

std::string Pins::link(unsigned ifindex, Hook hook) const {
    return fmt::format("{}/link/{}-{}", versioned_, ifindex, hook == Hook::kIngress ? "in" : "out");
}

std::string Pins::uplink(const std::string& name) const {
    return fmt::format("{}/link/{}{}", versioned_, kUplink, name);
}

std::vector<std::string> Pins::uplinks() const {
    std::vector<std::string> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(versioned_ + "/link", error)) {
        if (entry.path().filename().string().starts_with(kUplink)) {
            found.push_back(entry.path());
        }
    }
    return found;
}

std::vector<unsigned> Pins::linked_interfaces() const {
    std::set<unsigned> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(versioned_ + "/link", error)) {
        const std::string name = entry.path().filename();
        unsigned ifindex = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), ifindex);
        if (parsed.ec == std::errc() && *parsed.ptr == '-') {
            found.insert(ifindex);
        }
    }
    return {found.begin(), found.end()};
}

std::set<std::uint32_t> Pins::links_of_other_instances() const {
    std::set<std::uint32_t> ids;
    std::error_code error;
    fs::recursive_directory_iterator entry(fs::path(root_).parent_path(), error);
    for (const auto end = fs::end(entry); entry != end; entry.increment(error)) {
        if (entry->path() == root_) {
            entry.disable_recursion_pending();
        }
        if (entry->path().parent_path().filename() != "link") {
            continue;
        }
        const util::UniqueFd link(bpf_obj_get(entry->path().c_str()));
        bpf_link_info info{};
        std::uint32_t length = sizeof(info);
        if (link.valid() && bpf_obj_get_info_by_fd(link.get(), &info, &length) == 0) {
            ids.insert(info.id);
        }
    }
    return ids;
}

Result<void> Pins::pin(int fd, const std::string& path) {
    // bpffs cannot replace a pin, but it can rename over one.
    const std::string fresh = path + "~";
    unlink(fresh.c_str());
    if (bpf_obj_pin(fd, fresh.c_str()) != 0) {
        return fail_errno("pinning " + path);
    }
    if (rename(fresh.c_str(), path.c_str()) != 0) {
        return fail_errno("pinning " + path);
    }
    return {};
}

Result<void> Pins::unpin(const std::string& path) {
    if (unlink(path.c_str()) != 0 && errno != ENOENT) {
        return fail_errno("removing " + path);
    }
    return {};
}

Result<void> Pins::end_link(const std::string& path) {
    if (const util::UniqueFd link(bpf_obj_get(path.c_str())); link.valid()) {
        bpf_link_detach(link.get());  // fails only where the interface is gone
    }
    return unpin(path);
}

std::vector<Pins> Pins::other_layouts() const {
    std::map<unsigned, Pins, std::greater<>> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root_, error)) {
        const std::string name = entry.path().filename();
        const auto layout = util::parse_number<unsigned>(std::string_view(name).substr(1));
        if (name[0] != 'v' || !layout || entry.path() == versioned_) {
            continue;
        }
        Pins& other = found[*layout];
        other.root_ = root_;
        other.versioned_ = entry.path();
    }
    std::vector<Pins> list;
    list.reserve(found.size());
    for (auto& [layout, pins] : found) {
        list.push_back(std::move(pins));
    }
    return list;
}

Result<void> Pins::take_links(const Pins& other) const {
    std::error_code error;
    std::vector<fs::path> links;
    for (const auto& entry : fs::directory_iterator(other.versioned_ + "/link", error)) {
        links.push_back(entry.path());
    }
    for (const auto& link : links) {
        const std::string here = versioned_ + "/link/" + link.filename().string();
        if (fs::exists(here, error)) {
            if (auto ended = end_link(link); !ended) {
                return ended;
            }
        } else if (rename(link.c_str(), here.c_str()) != 0) {
            return fail_errno(fmt::format("moving {} to {}", link.string(), here));
        }
    }
    return {};
}

Result<void> Pins::remove_layout() {
    std::error_code error;
    fs::remove_all(versioned_, error);
    return error ? Result<void>(fail_errno("removing " + versioned_, error.value()))
                 : Result<void>();
}

Result<void> Pins::remove_all() {
    std::error_code error;
    std::vector<std::string> links;
    for (const auto& entry : fs::recursive_directory_iterator(root_, error)) {
        if (entry.path().parent_path().filename() == "link") {
            links.push_back(entry.path());
        }
    }
    for (const auto& link : links) {
        if (auto ended = end_link(link); !ended) {
            return ended;
        }
    }
    fs::remove_all(root_, error);
    if (error) {
        return fail_errno("removing " + root_, error.value());
    }
    rmdir(fs::path(root_).parent_path().c_str());  // stays while other instances are there
    return {};
}

}  // namespace directfaas::backend::ebpf
