// SPDX-License-Identifier: Apache-2.0
#include "lib/manifest/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "lib/util/unique_fd.h"

namespace directfaas::manifest {
namespace {

FileRead unusable(const std::string& path, std::string message, std::string advice) {
    return {.state = FileState::kUnusable,
            .stamp = {},
            .text = {},
            .problem = {.severity = model::Problem::Severity::kError,
                        .where = {path, 0},
                        .object = "",
                        .message = std::move(message),
                        .advice = std::move(advice)}};
}

FileRead not_readable(const std::string& path, int code) {
    struct stat link{};
    if (code == ENOENT && lstat(path.c_str(), &link) != 0) {
        auto absent = unusable(path, "the file does not exist", "Check the path");
        absent.state = FileState::kAbsent;
        return absent;
    }
    if (code == ENOENT) {
        return unusable(path, "the symbolic link leads to nothing", "Mend or remove the link");
    }
    return unusable(path, fmt::format("the file cannot be read: {}", std::strerror(code)),
                    "Check its permissions, and that the agent may enter its directory");
}

std::string_view type_name(mode_t mode) {
    if (S_ISDIR(mode)) {
        return "a directory";
    }
    if (S_ISFIFO(mode)) {
        return "a FIFO";
    }
    return S_ISSOCK(mode) ? "a socket" : "a device";
}

/// Judges by what stat(2) says, before anything is opened: opening a device can have effects.
FileRead judge(const std::string& path, const struct stat& status, std::size_t max_bytes) {
    if (!S_ISREG(status.st_mode)) {
        return unusable(path, fmt::format("is {}, not a file", type_name(status.st_mode)),
                        "Move it elsewhere, or give it a name that does not end in .yaml, .yml or "
                        ".json");
    }
    if (status.st_size > static_cast<off_t>(max_bytes)) {
        return unusable(
            path, fmt::format("the file has {} bytes, more than {}", status.st_size, max_bytes),
            "Split it into several files");
    }
    FileRead usable;
    usable.state = FileState::kRead;
    usable.stamp = {.device = status.st_dev,
                    .inode = status.st_ino,
                    .size = status.st_size,
                    .modified_ns = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
    return usable;
}

/// Reads to the end or one byte beyond the limit, for the file may grow meanwhile.
util::Result<std::string> read_all(int fd, std::size_t expected, std::size_t max_bytes) {
    std::string text(std::min(expected, max_bytes) + 1, '\0');
    std::size_t used = 0;
    while (true) {
        const auto count = ::read(fd, text.data() + used, text.size() - used);
        if (count < 0 && errno != EINTR) {
            return util::fail_errno("read");
        }
        if (count == 0) {
            break;
        }
        used += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
        if (used > max_bytes) {
            break;
        }
        if (used == text.size()) {
            text.resize(std::min(used * 2, max_bytes + 1));
        }
    }
    text.resize(used);
    return text;
}

}  // namespace

bool is_manifest_name(std::string_view name) {
    return !name.starts_with('.') &&
           (name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json"));
}

std::string join_path(std::string_view directory, std::string_view name) {
    while (directory.size() > 1 && directory.ends_with('/')) {
        directory.remove_suffix(1);
    }
    return fmt::format("{}{}{}", directory, directory == "/" || name.empty() ? "" : "/", name);
}

FileRead stat_file(const std::string& path, std::size_t max_bytes) {
    struct stat status{};
    if (stat(path.c_str(), &status) != 0) {
        return not_readable(path, errno);
    }
    return judge(path, status, max_bytes);
}

FileRead read_file(const std::string& path, std::size_t max_bytes) {
    auto result = stat_file(path, max_bytes);
    if (result.state != FileState::kRead) {
        return result;
    }
    // O_NONBLOCK in case a FIFO has taken the file's place since.
    const util::UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd.valid()) {
        return not_readable(path, errno);
    }
    struct stat status{};
    if (fstat(fd.get(), &status) != 0) {
        return not_readable(path, errno);
    }
    result = judge(path, status, max_bytes);
    if (result.state != FileState::kRead) {
        return result;
    }
    auto text = read_all(fd.get(), static_cast<std::size_t>(status.st_size), max_bytes);
    if (!text) {
        return not_readable(path, text.error().code);
    }
    if (text->size() > max_bytes) {
        return unusable(path, fmt::format("the file has more than {} bytes", max_bytes),
                        "Split it into several files");
    }
    result.text = std::move(*text);
    return result;
}

util::Result<std::vector<std::string>> list_manifests(const std::string& directory) {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(directory.c_str()), closedir);
    if (stream == nullptr) {
        return util::fail_errno("the directory cannot be read");
    }
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = readdir(stream.get())) {
        if (is_manifest_name(entry->d_name)) {
            names.emplace_back(entry->d_name);
        }
    }
    if (errno != 0) {
        return util::fail_errno("the directory cannot be read");
    }
    std::ranges::sort(names);
    return names;
}

model::Problem directory_unreadable(const std::string& path, const util::Error& error) {
    return {.severity = model::Problem::Severity::kError,
            .where = {path, 0},
            .object = "",
            .message = error.text(),
            .advice =
                "Create it, or mend its permissions; until then the last good state of its "
                "files stays in force"};
}

model::Problem too_many_files(const std::string& path, std::size_t limit) {
    return {.severity = model::Problem::Severity::kError,
            .where = {path, 0},
            .object = "",
            .message = fmt::format("more than {} manifests; the others are not read", limit),
            .advice = "Put several objects into one file"};
}

}  // namespace directfaas::manifest
