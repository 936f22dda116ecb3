// SPDX-License-Identifier: Apache-2.0
#include "agent/cni/pending.h"

#include <fcntl.h>
#include <sys/file.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "lib/util/unique_fd.h"

namespace directfaas::cni {

namespace fs = std::filesystem;

void take_pending(const std::string& socket, const std::function<void(const std::string&)>& take) {
    const fs::path dir = socket + ".pending";
    const util::UniqueFd lock(open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // A plugin that writes at this moment is waited for in the next turn, not here.
    if (!lock.valid() || flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        return;
    }
    std::error_code error;
    std::vector<fs::path> files;
    for (fs::directory_iterator at(dir, error), end; !error && at != end; at.increment(error)) {
        if (at->path().extension() == ".json") {
            files.push_back(at->path());
        }
    }
    for (const auto& path : files) {
        std::ifstream file(path);
        take({std::istreambuf_iterator<char>(file), {}});
        fs::remove(path, error);
    }
}

}  // namespace directfaas::cni
