// SPDX-License-Identifier: Apache-2.0
// The embedded source: keeps the model equal to the manifests in one directory, and keeps the last
// good state of every file that cannot be used.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/model/model.h"
#include "lib/util/event_loop.h"
#include "lib/util/result.h"

namespace directfaas::source {

struct DirectoryOptions {
    std::string path;
    std::size_t max_file_bytes = 1 << 20;
    std::size_t max_files = 20000;
    std::chrono::milliseconds rescan{10000};
    /// How long a file must be gone before its objects are removed: editors delete and create.
    std::chrono::milliseconds deletion_grace{100};
};

/// Takes the new contents of all these origins (files; no objects: the file is gone) and returns
/// nothing, or refuses all of them and returns why: Model::replace_all(). A refused change must
/// leave the earlier objects in force. May be called several times in one turn of the loop;
/// whoever applies the changes to a kernel may merge those of one turn (EventLoop::post).
using Replace =
    std::function<std::vector<model::Problem>(std::vector<model::OriginContent> contents)>;

/// Watches one directory of manifests. Everything runs on the loop's thread.
class DirectorySource {
   public:
    /// Does not touch the directory yet. `loop` must outlive the source.
    static util::Result<std::unique_ptr<DirectorySource>> create(util::EventLoop& loop,
                                                                 DirectoryOptions options,
                                                                 Replace replace);
    DirectorySource(const DirectorySource&) = delete;
    DirectorySource& operator=(const DirectorySource&) = delete;
    ~DirectorySource();

    /// First scan now, synchronously, then inotify and a periodic rescan. A directory that does
    /// not exist (yet) is a standing problem, not a failure.
    util::Result<void> start();
    /// Reads the directory again now, for an operator who does not want to wait.
    void rescan();

    /// What has to be mended, by the newest state of each file; errors mean that an older state
    /// of that file is in force.
    [[nodiscard]] std::vector<model::Problem> problems() const;
    /// Objects in force.
    [[nodiscard]] std::size_t object_count() const;
    /// The directory was read at least once.
    [[nodiscard]] bool complete() const;

   private:
    class Watcher;
    explicit DirectorySource(std::unique_ptr<Watcher> watcher);

    std::unique_ptr<Watcher> watcher_;
};

}  // namespace directfaas::source
