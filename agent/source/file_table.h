// SPDX-License-Identifier: Apache-2.0
// What is known about each manifest of the directory: its newest state, and what of it is in
// force. Decides what is read, offered and removed; told by the watch, it knows no inotify.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/source/directory_source.h"
#include "lib/manifest/files.h"
#include "lib/manifest/offers.h"

namespace directfaas::source {

class FileTable {
   public:
    using Clock = std::chrono::steady_clock;

    /// kQuiet leaves a file alone that was written a moment ago: its writer may not be done.
    enum class Read : std::uint8_t { kNow, kQuiet };

    FileTable(DirectoryOptions options, Replace replace);

    /// Reads a file again, whatever its times say. A file that is gone waits for its removal.
    void read(const std::string& name, Clock::time_point remove_at);
    /// Reads a file that could not be read before.
    void read_if_unusable(const std::string& name, Clock::time_point remove_at);
    /// Reads a file if its size, inode or time changed.
    void look(const std::string& name, Read when, Clock::time_point remove_at);
    /// look() at all names of the directory, which are sorted, and notes which files are gone.
    void scan(const std::vector<std::string>& names, Read when, Clock::time_point remove_at);

    /// Offers what was read since, and what was refused before. Call once after a batch.
    void settle();

    /// When remove_missing() has something to do next.
    [[nodiscard]] std::optional<Clock::time_point> next_removal() const;
    /// Removes the objects of files that are gone since long enough; settle() follows.
    void remove_missing(Clock::time_point now);
    /// The directory is away: its files are not deleted.
    void keep_missing() { missing_.clear(); }

    /// Names that look(kQuiet) left alone; they are to be looked at again.
    std::set<std::string> take_unquiet() { return std::exchange(unquiet_, {}); }

    [[nodiscard]] std::vector<model::Problem> problems() const;
    [[nodiscard]] std::size_t object_count() const { return objects_in_force_; }

   private:
    struct File {
        manifest::FileStamp stamp;
        bool stamp_certain = false;  // another content would have another stamp
        bool decoded = false;        // content_hash is of the newest state
        bool removing = false;       // gone, and the removal is offered
        std::size_t content_hash = 0;
        std::size_t offered = 0;               // objects
        std::optional<std::size_t> in_force;   // objects; nothing: never taken
        std::vector<model::Problem> problems;  // of reading and decoding
        std::vector<model::Problem> logged;
    };

    [[nodiscard]] std::string path(const std::string& name) const;
    File* entry(const std::string& path);
    void accept(const std::string& path, manifest::FileRead read, Clock::time_point remove_at);
    void decode(const std::string& path, File& file, const std::string& text);
    void taken(const std::vector<std::string>& paths);
    void offer_removal(const std::string& path);
    [[nodiscard]] bool newly_refused() const;
    [[nodiscard]] std::vector<model::Problem> problems_of(const std::string& path,
                                                          const File& file) const;
    void log_problems();

    DirectoryOptions options_;
    Replace replace_;
    std::map<std::string, File> files_;                 // by path
    std::map<std::string, Clock::time_point> missing_;  // path → when to remove
    std::set<std::string> touched_;                     // paths, since the last settle()
    std::set<std::string> unquiet_;                     // names
    manifest::Offers offers_;
    std::size_t objects_in_force_ = 0;
    bool too_many_ = false;
};

}  // namespace directfaas::source
