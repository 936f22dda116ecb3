// SPDX-License-Identifier: Apache-2.0
// An exec activator with a script of the test's.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include "agent/hold/exec_activator.h"
#include "test/unit/hold/fixture.h"

namespace directfaas::hold {

class ExecFixture : public testing::Test {
   protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "df-hold-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory = pattern;
        ASSERT_EQ(::mkfifo((directory / "forever").c_str(), 0600), 0);
    }
    void TearDown() override {
        activator.reset();
        std::filesystem::remove_all(directory);
    }

    std::filesystem::path write(const std::string& name, const std::string& text,
                                mode_t mode = 0755) {
        const auto path = directory / name;
        std::ofstream(path) << text;
        ::chmod(path.c_str(), mode);
        return path;
    }
    /// An activator that runs `body`. $dir is the test's directory; opening $dir/forever blocks.
    void script(const std::string& body, ExecOptions options = {}) {
        options.path =
            write("activate", "#!/bin/sh\ndir='" + directory.string() + "'\n" + body + "\n");
        auto made = ExecActivator::create(*loop, options);
        ASSERT_TRUE(made) << made.error().text();
        activator = std::move(*made);
    }
    std::string read(const std::string& name) const {
        std::stringstream text;
        text << std::ifstream(directory / name).rdbuf();
        return text.str();
    }
    bool appears(const std::string& name) {
        return turn_until(*loop, [&] { return std::filesystem::exists(directory / name); });
    }

    /// What became of one activation; nothing while it runs.
    using End = std::shared_ptr<std::optional<util::Result<void>>>;
    End activate(const std::string& name) {
        auto end = std::make_shared<std::optional<util::Result<void>>>();
        activator->activate(function(name), [end](const util::Result<void>& result) {
            EXPECT_FALSE(end->has_value()) << "answered twice";
            end->emplace(result);
        });
        EXPECT_FALSE(end->has_value()) << "answered from inside activate()";
        return end;
    }
    bool finished(const End& end) {
        return turn_until(*loop, [&] { return end->has_value(); });
    }

    std::unique_ptr<util::EventLoop> loop = std::move(util::EventLoop::create()).value();
    std::filesystem::path directory;
    std::unique_ptr<ExecActivator> activator;
};

/// Whether a process runs; a dead one that nobody has collected yet does not.
inline bool runs(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(stat, text);
    const auto name_end = text.rfind(") ");
    return name_end != std::string::npos && text[name_end + 2] != 'Z';
}

}  // namespace directfaas::hold
