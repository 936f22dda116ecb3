// SPDX-License-Identifier: Apache-2.0
// Brings together the watch (what happened), the table (what it means) and the loop (when).
#include "agent/source/directory_source.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "agent/source/directory_watch.h"
#include "agent/source/file_table.h"
#include "lib/util/log.h"

namespace directfaas::source {
namespace {

using Clock = FileTable::Clock;
using Presence = DirectoryWatch::Presence;
using Read = FileTable::Read;

constexpr std::chrono::milliseconds kLookAgain{500};
constexpr std::chrono::microseconds kCheapLook{1000};

std::optional<struct stat> link_status(const std::string& path) {
    struct stat status{};
    return lstat(path.c_str(), &status) == 0 ? std::optional(status) : std::nullopt;
}

}  // namespace

class DirectorySource::Watcher {
   public:
    Watcher(util::EventLoop& loop, const DirectoryOptions& options, Replace replace,
            DirectoryWatch watch)
        : options_(options),
          loop_(loop),
          watch_(std::move(watch)),
          files_(options, std::move(replace)) {}
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;
    ~Watcher() {
        loop_.unwatch(watch_.fd());
        for (const auto& timer : {rescan_timer_, removal_timer_, again_timer_}) {
            if (timer) {
                loop_.cancel(*timer);
            }
        }
    }

    util::Result<void> start() {
        auto watched = loop_.watch(watch_.fd(), EPOLLIN, [this](std::uint32_t) { on_events(); });
        if (!watched) {
            return util::pass(watched.error(), "watch " + options_.path);
        }
        rescan_timer_ = loop_.every(options_.rescan, [this] { look_for_missed(); });
        check_directory();
        return {};
    }

    void rescan_now() { rescan(Read::kNow); }

    [[nodiscard]] std::vector<model::Problem> problems() const {
        auto all = files_.problems();
        if (directory_problem_) {
            all.insert(all.begin(), *directory_problem_);
        }
        if (const auto& blind = watch_.blind()) {
            all.push_back({.severity = model::Problem::Severity::kWarning,
                           .where = {options_.path, 0},
                           .object = "",
                           .message = fmt::format("changes are seen only every {} s: {}",
                                                  options_.rescan.count() / 1000, blind->text()),
                           .advice = "Raise fs.inotify.max_user_watches"});
        }
        return all;
    }
    [[nodiscard]] std::size_t object_count() const { return files_.object_count(); }
    [[nodiscard]] bool complete() const { return complete_; }

   private:
    /// Scans a directory that is new at this path. What it lacks is removed late, for it may be in
    /// the course of being filled; only a symbolic link is swapped at one stroke.
    Presence check_directory() {
        const auto presence = watch_.check();
        if (presence == Presence::kAway) {
            files_.keep_missing();
            set_directory_problem(util::Error{ENOENT, "the directory is away"});
        } else if (presence == Presence::kNew) {
            scan(Read::kNow,
                 Clock::now() + (watch_.is_link() ? options_.deletion_grace : options_.rescan));
        }
        return presence;
    }

    void rescan(Read when) {
        if (check_directory() == Presence::kSame) {
            scan(when, Clock::now() + options_.deletion_grace);
        }
    }

    /// For what inotify does not tell. With thousands of files that is work for a few milliseconds:
    /// it is done the less often, unless there is nothing but that.
    void look_for_missed() {
        const auto begin = Clock::now();
        if (begin < next_look_ && !watch_.blind()) {
            static_cast<void>(check_directory());
            return;
        }
        rescan(Read::kQuiet);
        next_look_ = begin + (Clock::now() - begin) / kCheapLook * options_.rescan;
    }

    void scan(Read when, Clock::time_point remove_at) {
        const auto names = manifest::list_manifests(options_.path);
        if (!names) {
            files_.keep_missing();
            set_directory_problem(names.error());
            return;
        }
        set_directory_problem(std::nullopt);
        complete_ = true;
        files_.scan(*names, when, remove_at);
        finish();
    }

    void on_events() {
        const auto changes = watch_.read();
        if (changes.directory && check_directory() != Presence::kSame) {
            return;
        }
        if (swaps_link(changes.written) || swaps_link(changes.created)) {
            rescan(Read::kNow);
        } else if (changes.lost) {
            util::log::warning("{}: inotify lost events, reading the directory again",
                               options_.path);
            rescan(Read::kQuiet);
        }
        read_changed(changes);
        finish();
    }

    /// A symbolic link that is no manifest, like the ..data of a mounted ConfigMap, may be on the
    /// way to every file.
    [[nodiscard]] bool swaps_link(const std::set<std::string>& names) const {
        return std::ranges::any_of(names, [this](const std::string& name) {
            if (manifest::is_manifest_name(name)) {
                return false;
            }
            const auto status = link_status(manifest::join_path(options_.path, name));
            return status && S_ISLNK(status->st_mode);
        });
    }

    void read_changed(const Changes& changes) {
        std::set<std::string> now = changes.written;
        now.insert(changes.vanished.begin(), changes.vanished.end());
        for (const auto& name : changes.created) {
            if (complete_at_birth(name)) {
                now.insert(name);
            } else if (!now.contains(name) && manifest::is_manifest_name(name)) {
                again_.insert(name);
            }
        }
        const auto remove_at = Clock::now() + options_.deletion_grace;
        for (const auto& name : now) {
            if (manifest::is_manifest_name(name)) {
                files_.read(name, remove_at);
            }
        }
        for (const auto& name : changes.touched) {
            if (!now.contains(name)) {
                files_.read_if_unusable(name, remove_at);
            }
        }
    }

    /// Links, directories and FIFOs are what they are; a fresh file's writer will close it.
    [[nodiscard]] bool complete_at_birth(const std::string& name) const {
        const auto status = link_status(manifest::join_path(options_.path, name));
        return !status || !S_ISREG(status->st_mode) || status->st_nlink > 1;
    }

    void look_again() {
        again_timer_.reset();
        for (const auto& name : std::exchange(again_, {})) {
            files_.look(name, Read::kQuiet, Clock::now() + options_.deletion_grace);
        }
        finish();
    }

    void remove_missing() {
        removal_timer_.reset();
        // Whoever removes a whole directory deletes its files first.
        if (check_directory() == Presence::kSame) {
            files_.remove_missing(Clock::now());
            finish();
        }
    }

    void finish() {
        files_.settle();
        again_.merge(files_.take_unquiet());
        if (!again_.empty() && !again_timer_) {
            again_timer_ = loop_.after(kLookAgain, [this] { look_again(); });
        }
        if (removal_timer_) {
            loop_.cancel(*removal_timer_);
            removal_timer_.reset();
        }
        if (const auto due = files_.next_removal()) {
            const auto delay = std::max<Clock::duration>(*due - Clock::now(), {});
            removal_timer_ = loop_.after(delay, [this] { remove_missing(); });
        }
    }

    void set_directory_problem(const std::optional<util::Error>& error) {
        auto problem = error ? std::optional(manifest::directory_unreadable(options_.path, *error))
                             : std::nullopt;
        if (problem && problem != directory_problem_) {
            util::log::error("{}", problem->text());
        } else if (!problem && directory_problem_) {
            util::log::info("{}: the directory is back", options_.path);
        }
        directory_problem_ = std::move(problem);
    }

    DirectoryOptions options_;
    util::EventLoop& loop_;
    DirectoryWatch watch_;
    FileTable files_;
    std::set<std::string> again_;  // names to look at when their writers are done
    std::optional<model::Problem> directory_problem_;
    Clock::time_point next_look_;
    std::optional<util::EventLoop::TimerId> rescan_timer_;
    std::optional<util::EventLoop::TimerId> removal_timer_;
    std::optional<util::EventLoop::TimerId> again_timer_;
    bool complete_ = false;
};

util::Result<std::unique_ptr<DirectorySource>> DirectorySource::create(util::EventLoop& loop,
                                                                       DirectoryOptions options,
                                                                       Replace replace) {
    if (options.path.empty()) {
        return util::fail("the path of the manifest directory is empty");
    }
    options.path = manifest::join_path(options.path, "");
    auto watch = DirectoryWatch::create(options.path);
    if (!watch) {
        return util::pass(watch.error(), "watch " + options.path);
    }
    return std::unique_ptr<DirectorySource>(new DirectorySource(
        std::make_unique<Watcher>(loop, options, std::move(replace), std::move(*watch))));
}

DirectorySource::DirectorySource(std::unique_ptr<Watcher> watcher) : watcher_(std::move(watcher)) {}

DirectorySource::~DirectorySource() = default;

util::Result<void> DirectorySource::start() { return watcher_->start(); }

void DirectorySource::rescan() { watcher_->rescan_now(); }

std::vector<model::Problem> DirectorySource::problems() const { return watcher_->problems(); }

std::size_t DirectorySource::object_count() const { return watcher_->object_count(); }

bool DirectorySource::complete() const { return watcher_->complete(); }

}  // namespace directfaas::source
