// SPDX-License-Identifier: Apache-2.0
// The embedded source: keeps the model equal to the manifests in one directory, and keeps the last
// good state of every file that cannot be used.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "agent/source/source.h"
#include "lib/model/model.h"
#include "lib/util/event_loop.h"
#include "lib/util/result.h"

namespace directfaas::source {

struct DirectoryOptions {
    std::string path;
    std::size_t max_file_bytes = 1 << 20;
    std::size_t max_files = 20000;
    /// How often all files are looked at, whatever inotify says; so many times less often as that
    /// takes multiples of 2.5 ms.
    std::chrono::milliseconds rescan{10000};
    /// How long a file must be gone before its objects are removed: editors delete and create.
    std::chrono::milliseconds deletion_grace{100};
};

/// Watches one directory of manifests. Everything runs on the loop's thread.
class DirectorySource final : public Source {
   public:
    /// Does not touch the directory yet. `loop` must outlive the source.
    static util::Result<std::unique_ptr<DirectorySource>> create(util::EventLoop& loop,
                                                                 DirectoryOptions options,
                                                                 Replace replace);
    ~DirectorySource() override;

    /// First scan now, synchronously, then inotify and a periodic rescan. A directory that does
    /// not exist (yet) is a standing problem, not a failure.
    util::Result<void> start() override;
    /// Reads the directory again now, for an operator who does not want to wait.
    void rescan() override;

    /// What has to be mended, by the newest state of each file; errors mean that an older state
    /// of that file is in force.
    [[nodiscard]] std::vector<model::Problem> problems() const override;
    /// Objects in force.
    [[nodiscard]] std::size_t object_count() const override;
    /// The directory was read at least once.
    [[nodiscard]] bool complete() const override;

   private:
    class Watcher;
    explicit DirectorySource(std::unique_ptr<Watcher> watcher);

    std::unique_ptr<Watcher> watcher_;
};

}  // namespace directfaas::source
