// SPDX-License-Identifier: Apache-2.0
#include "cni-plugin/pending.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::cni {
namespace {

namespace fs = std::filesystem;

/// FNV-1a, so that no text of the runtime's becomes part of a path.
std::string file_name(const Call& call) {
    std::uint64_t hash = 14695981039346656037ULL;
    for (const char byte : call.container + "\n" + call.interface_name) {
        hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211ULL;
    }
    char text[32];
    std::snprintf(text, sizeof(text), "%016llx.json", static_cast<unsigned long long>(hash));
    return text;
}

unsigned count_files(const fs::path& dir) {
    unsigned count = 0;
    std::error_code error;
    for (fs::directory_iterator at(dir, error), end; !error && at != end; at.increment(error)) {
        count += at->path().extension() == ".json" ? 1 : 0;
    }
    return count;
}

std::expected<void, std::string> write_file(const fs::path& path, const std::string& text) {
    auto draft = path;
    draft += ".draft";
    {
        const util::UniqueFd fd(
            open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        if (!fd.valid() ||
            write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
            return std::unexpected(util::with_errno("write " + draft.string()));
        }
    }
    if (rename(draft.c_str(), path.c_str()) != 0) {
        return std::unexpected(util::with_errno("rename " + draft.string()));
    }
    return {};
}

}  // namespace

std::string pending_dir(const std::string& socket) { return socket + ".pending"; }

std::expected<void, std::string> leave_pending(const std::string& socket, const Call& call,
                                               const Json& request) {
    const fs::path dir = pending_dir(socket);
    std::error_code error;
    fs::create_directories(dir, error);
    const util::UniqueFd lock(open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!lock.valid() || flock(lock.get(), LOCK_EX) != 0) {
        return std::unexpected(util::with_errno("open " + dir.string()));
    }
    const auto path = dir / file_name(call);
    if (!fs::exists(path, error) && count_files(dir) >= kMaxPending) {
        return std::unexpected(dir.string() + " is full; the agent finds out by itself later");
    }
    return write_file(path, request.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace directfaas::cni
