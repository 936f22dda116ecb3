// SPDX-License-Identifier: Apache-2.0
#include "agent/source/file_table.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "lib/manifest/decode.h"
#include "lib/util/log.h"

namespace directfaas::source {
namespace {

using manifest::FileState;
using model::Problem;

// A writer that has paused for so long is taken to be done.
constexpr std::chrono::milliseconds kQuietTime{500};
// More than a tick of any file system's clock: 10 ms at 100 Hz.
constexpr std::chrono::milliseconds kClockTick{20};

/// True if the file was last written less than `age` ago (or ahead: clocks may be set).
bool younger_than(std::chrono::nanoseconds age, const manifest::FileStamp& stamp) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto passed = now - std::chrono::nanoseconds(stamp.modified_ns);
    return passed < age && passed > -age;
}

bool is_blank(const std::string& text) {
    return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

}  // namespace

FileTable::FileTable(DirectoryOptions options, Replace replace)
    : options_(std::move(options)), replace_(std::move(replace)) {}

std::string FileTable::path(const std::string& name) const {
    return manifest::join_path(options_.path, name);
}

/// The record of a file, a new one if there is room.
FileTable::File* FileTable::entry(const std::string& path) {
    const auto found = files_.find(path);
    if (found != files_.end()) {
        return &found->second;
    }
    if (files_.size() >= options_.max_files) {
        too_many_ = true;
        return nullptr;
    }
    return &files_[path];
}

void FileTable::read(const std::string& name, Clock::time_point remove_at) {
    accept(path(name), manifest::read_file(path(name), options_.max_file_bytes), remove_at);
}

void FileTable::read_if_unusable(const std::string& name, Clock::time_point remove_at) {
    const auto found = files_.find(path(name));
    if (found != files_.end() && !found->second.decoded) {
        read(name, remove_at);
    }
}

void FileTable::look(const std::string& name, Read when, Clock::time_point remove_at) {
    auto state = manifest::stat_file(path(name), options_.max_file_bytes);
    if (state.state != FileState::kRead) {
        accept(path(name), std::move(state), remove_at);
        return;
    }
    const auto found = files_.find(path(name));
    if (found != files_.end() && found->second.decoded && !found->second.removing &&
        found->second.stamp_certain && found->second.stamp == state.stamp) {
        missing_.erase(path(name));
        return;
    }
    if (when == Read::kQuiet && younger_than(kQuietTime, state.stamp)) {
        missing_.erase(path(name));
        unquiet_.insert(name);
        return;
    }
    read(name, remove_at);
}

void FileTable::scan(const std::vector<std::string>& names, Read when,
                     Clock::time_point remove_at) {
    too_many_ = false;
    for (const auto& name : names) {
        look(name, when, remove_at);
    }
    const auto prefix = path("").size() + (options_.path == "/" ? 0 : 1);
    for (const auto& [path, file] : files_) {
        if (!file.removing && !std::ranges::binary_search(names, path.substr(prefix))) {
            missing_.try_emplace(path, remove_at);
        }
    }
}

void FileTable::accept(const std::string& path, manifest::FileRead read,
                       Clock::time_point remove_at) {
    if (read.state == FileState::kAbsent) {
        const auto found = files_.find(path);
        if (found != files_.end() && !found->second.removing) {
            missing_.try_emplace(path, remove_at);
        }
        return;
    }
    missing_.erase(path);
    File* file = entry(path);
    if (file == nullptr) {
        return;
    }
    touched_.insert(path);
    if (read.state == FileState::kUnusable) {
        file->decoded = false;
        file->removing = false;
        offers_.drop(path);
        file->problems = {std::move(read.problem)};
        return;
    }
    file->stamp = read.stamp;
    file->stamp_certain = !younger_than(kClockTick, read.stamp);
    const auto hash = std::hash<std::string_view>{}(read.text);
    if (file->decoded && !file->removing && file->content_hash == hash) {
        return;
    }
    file->decoded = true;
    file->removing = false;
    file->content_hash = hash;
    decode(path, *file, read.text);
}

void FileTable::decode(const std::string& path, File& file, const std::string& text) {
    offers_.drop(path);
    if (is_blank(text) && file.in_force.value_or(0) > 0) {
        // Emptied, and perhaps about to be written again: removing a file says more clearly that
        // its objects shall go.
        file.problems = {{.severity = Problem::Severity::kError,
                          .where = {path, 0},
                          .object = "",
                          .message = "the file is empty; its last good state stays in force",
                          .advice = "Remove the file if its objects shall go"}};
        return;
    }
    auto decoded = manifest::decode(path, text);
    if (decoded.ok()) {
        file.offered = decoded.objects.size();
        offers_.put(path, std::move(decoded.objects));
    }
    file.problems = std::move(decoded.problems);
}

void FileTable::settle() {
    taken(offers_.settle(replace_));
    if (!missing_.empty() && newly_refused()) {
        // An object may have moved from a file that is gone into one that was refused: both in
        // one step, so that the object is never away.
        remove_missing(Clock::time_point::max());
        offers_.renew();
        taken(offers_.settle(replace_));
    }
    log_problems();
    touched_.clear();
}

bool FileTable::newly_refused() const {
    return std::ranges::any_of(touched_,
                               [this](const auto& path) { return offers_.refused(path); });
}

void FileTable::taken(const std::vector<std::string>& paths) {
    for (const auto& path : paths) {
        const auto found = files_.find(path);
        auto& file = found->second;
        objects_in_force_ -= file.in_force.value_or(0);
        if (file.removing) {
            util::log::debug("{}: removed", path);
            touched_.erase(path);
            files_.erase(found);
            continue;
        }
        file.in_force = file.offered;
        objects_in_force_ += file.offered;
        touched_.insert(path);
    }
}

std::optional<FileTable::Clock::time_point> FileTable::next_removal() const {
    if (missing_.empty()) {
        return std::nullopt;
    }
    return std::ranges::min_element(missing_, {}, [](const auto& m) { return m.second; })->second;
}

void FileTable::remove_missing(Clock::time_point now) {
    for (auto next = missing_.begin(); next != missing_.end();) {
        if (next->second > now) {
            ++next;
            continue;
        }
        offer_removal(next->first);
        next = missing_.erase(next);
    }
}

void FileTable::offer_removal(const std::string& path) {
    auto& file = files_.at(path);
    if (!file.in_force) {
        offers_.drop(path);
        files_.erase(path);
        touched_.erase(path);
        return;
    }
    file.removing = true;
    file.problems.clear();
    offers_.put(path, {});
    touched_.insert(path);
}

std::vector<Problem> FileTable::problems_of(const std::string& path, const File& file) const {
    auto all = file.problems;
    std::ranges::move(offers_.problems(path), std::back_inserter(all));
    return all;
}

std::vector<Problem> FileTable::problems() const {
    std::vector<Problem> all;
    if (too_many_) {
        all.push_back(manifest::too_many_files(options_.path, options_.max_files));
    }
    for (const auto& [path, file] : files_) {
        std::ranges::move(problems_of(path, file), std::back_inserter(all));
    }
    return all;
}

/// Says each problem once, and once that it is over.
void FileTable::log_problems() {
    for (const auto& path : touched_) {
        const auto found = files_.find(path);
        if (found == files_.end()) {
            continue;
        }
        auto& file = found->second;
        auto now = problems_of(path, file);
        if (now == file.logged) {
            continue;
        }
        for (const auto& problem : now) {
            problem.severity == Problem::Severity::kError
                ? util::log::error("{}", problem.text())
                : util::log::warning("{}", problem.text());
        }
        if (now.empty()) {
            util::log::info("{}: mended, in force", path);
        }
        file.logged = std::move(now);
    }
}

}  // namespace directfaas::source
