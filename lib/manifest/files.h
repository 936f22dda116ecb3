// SPDX-License-Identifier: Apache-2.0
// Reading manifests from disk, the same for the agent and for dfctl: which names count, which
// files are too large, what is no file at all. Nothing here blocks on a FIFO or a device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/model/objects.h"
#include "lib/util/result.h"

namespace directfaas::manifest {

inline constexpr std::size_t kMaxFileBytes = 1 << 20;
inline constexpr std::size_t kMaxFiles = 20000;

/// Tells two states of a file apart, nearly: two writes within one tick of the file system's
/// clock that leave the size as it was look alike.
struct FileStamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t modified_ns = 0;  // since the epoch, by the real-time clock

    bool operator==(const FileStamp&) const = default;
};

enum class FileState : std::uint8_t { kRead, kAbsent, kUnusable };

struct FileRead {
    FileState state = FileState::kAbsent;
    FileStamp stamp;         // kRead: from before the first byte was read
    std::string text;        // kRead
    model::Problem problem;  // else
};

/// *.yaml, *.yml, *.json; no dotfiles.
bool is_manifest_name(std::string_view name);

/// `directory` may end with slashes.
std::string join_path(std::string_view directory, std::string_view name);

/// The stamp alone; kAbsent and kUnusable as read_file().
FileRead stat_file(const std::string& path, std::size_t max_bytes);
/// Follows symbolic links. A link to nothing is unusable, not absent.
FileRead read_file(const std::string& path, std::size_t max_bytes);

/// Names of the manifests in a directory, sorted; fails if it cannot be read.
util::Result<std::vector<std::string>> list_manifests(const std::string& directory);

model::Problem directory_unreadable(const std::string& path, const util::Error& error);
model::Problem too_many_files(const std::string& path, std::size_t limit);

}  // namespace directfaas::manifest
