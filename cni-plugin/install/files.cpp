// SPDX-License-Identifier: Apache-2.0
#include "cni-plugin/install/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#include "lib/util/unique_fd.h"

namespace directfaas::cni_install {
namespace {

namespace fs = std::filesystem;

std::string draft_of(const fs::path& path) {
    return (path.parent_path() / fmt::format("{}{}.draft", kDraftPrefix, path.filename().string()))
        .string();
}

void sync_dir(const std::string& path) {
    const util::UniqueFd dir(
        open(fs::path(path).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (dir.valid()) {
        fsync(dir.get());
    }
}

util::Result<void> write_draft(const std::string& draft, std::string_view text,
                               const struct stat& like) {
    unlink(draft.c_str());
    const util::UniqueFd fd(open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd.valid()) {
        return util::fail_errno("create " + draft);
    }
    while (!text.empty()) {
        const auto written = write(fd.get(), text.data(), text.size());
        if (written < 0) {
            return util::fail_errno("write " + draft);
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (fchown(fd.get(), like.st_uid, like.st_gid) != 0 ||
        fchmod(fd.get(), like.st_mode & 07777) != 0 || fsync(fd.get()) != 0) {
        return util::fail_errno("give " + draft + " its mode and owner");
    }
    return {};
}

}  // namespace

std::optional<std::string> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        return std::nullopt;
    }
    std::string text{std::istreambuf_iterator<char>(file), {}};
    return file.bad() ? std::nullopt : std::optional(std::move(text));
}

/// The two files change places, so what was replaced can be looked at afterwards: between a
/// comparison and a plain rename, an owner's newer file could be lost.
util::Result<bool> exchange_file(const std::string& path, const std::string& before,
                                 const std::string& text) {
    struct stat like{};
    if (stat(path.c_str(), &like) != 0) {
        return false;
    }
    const auto draft = draft_of(path);
    if (auto written = write_draft(draft, text, like); !written) {
        return std::unexpected(written.error());
    }
    if (renameat2(AT_FDCWD, draft.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) != 0) {
        const int code = errno;
        unlink(draft.c_str());
        if (code == ENOENT) {
            return false;
        }
        return util::fail_errno("exchange " + path, code);
    }
    if (read_file(draft) != before) {
        if (rename(draft.c_str(), path.c_str()) != 0) {
            return util::fail_errno("put back " + path);
        }
        return false;
    }
    unlink(draft.c_str());
    sync_dir(path);
    return true;
}

util::Result<void> write_file(const std::string& path, const std::string& text, unsigned mode) {
    struct stat like{};
    like.st_uid = geteuid();
    like.st_gid = getegid();
    like.st_mode = mode;
    const auto draft = draft_of(path);
    if (auto written = write_draft(draft, text, like); !written) {
        return written;
    }
    if (rename(draft.c_str(), path.c_str()) != 0) {
        return util::fail_errno("put in place " + path);
    }
    sync_dir(path);
    return {};
}

void remove_drafts(const std::string& dir) {
    std::error_code error;
    std::vector<fs::path> drafts;
    for (fs::directory_iterator at(dir, error), end; !error && at != end; at.increment(error)) {
        const auto name = at->path().filename().string();
        if (name.starts_with(kDraftPrefix) && name.ends_with(".draft")) {
            drafts.push_back(at->path());
        }
    }
    for (const auto& draft : drafts) {
        fs::remove(draft, error);
    }
}

}  // namespace directfaas::cni_install
