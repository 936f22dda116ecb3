// SPDX-License-Identifier: Apache-2.0
// A directory, a source that watches it, and a real model behind it. Timers are set so long that
// they cannot help: what a test waits for must come from inotify, unless it says otherwise.
#pragma once

#include <gmock/gmock.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/source/directory_source.h"
#include "lib/model/model.h"
#include "test/unit/manifest/temp_dir.h"

namespace directfaas::source {

/// A Service, whose address is its generation.
std::string service(std::string_view name, int generation = 1);

class SourceTest : public testing::Test {
   protected:
    static constexpr std::chrono::hours kNever{1};

    SourceTest();

    /// Starts to watch; options_ count until here.
    void start();
    /// Runs the loop until `condition`; false after a long time.
    [[nodiscard]] bool wait_for(const std::function<bool()>& condition);
    /// Waits until all events up to now are handled, by an event that comes after them.
    void pass_events();

    /// "a=1 b=2": the Services in force and their generations.
    [[nodiscard]] std::string in_force() const;
    /// in_force() becomes `wanted`; if not, the test fails and shows what it was.
    void expect_in_force(const std::string& wanted);
    /// The problems, with the directory's path as "D".
    [[nodiscard]] std::vector<std::string> problems() const;
    /// As `problems`, if one of them contains `part`.
    [[nodiscard]] bool has_problem(std::string_view part) const;

    manifest::TempDir temp_;
    std::string path_;  // of the watched directory, inside temp_
    DirectoryOptions options_;
    std::unique_ptr<util::EventLoop> loop_;
    std::unique_ptr<DirectorySource> source_;
    int accepted_ = 0;              // changes taken
    std::set<std::string> missed_;  // names that were in force and then, for a time, were not

    void write(std::string_view name, std::string_view text) const;
    void replace(std::string_view name, std::string_view text) const;
    void remove(std::string_view name) const;
    void rename(std::string_view from, std::string_view to) const;
    [[nodiscard]] std::string file(std::string_view name) const;

   private:
    std::vector<model::Problem> take(const std::vector<model::OriginContent>& contents);

    model::Model model_;
    std::map<std::string, std::vector<model::Object>> by_origin_;
    int markers_ = 0;
};

}  // namespace directfaas::source
