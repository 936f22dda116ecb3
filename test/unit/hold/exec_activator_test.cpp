// SPDX-License-Identifier: Apache-2.0
// The exec activator with real scripts: good, failing, hanging, noisy, and leaving things behind.
#include "agent/hold/exec_activator.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <ranges>
#include <sstream>

#include "test/unit/hold/fixture.h"

namespace directfaas::hold {
namespace {

using Strings = std::vector<std::string>;

class ExecActivatorTest : public testing::Test {
   protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "df-hold-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory = pattern;
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
    /// An activator that runs `body` with $dir set to the test's directory.
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
bool runs(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(stat, text);
    const auto name_end = text.rfind(") ");
    return name_end != std::string::npos && text[name_end + 2] != 'Z';
}

TEST_F(ExecActivatorTest, RunsTheProgramWithNamespaceAndFunction) {
    script(R"sh(echo "$1 $2 $# $DIRECTFAAS_NAMESPACE $DIRECTFAAS_FUNCTION" > "$dir/told")sh");
    ::setenv("DIRECTFAAS_FUNCTION", "not this one", 1);
    const auto end = activate("ratings");
    ASSERT_TRUE(finished(end));
    ::unsetenv("DIRECTFAAS_FUNCTION");
    EXPECT_TRUE(end->value());
    EXPECT_EQ(read("told"), "shop ratings 2 shop ratings\n");
    EXPECT_EQ(activator->counters().succeeded, 1U);
    EXPECT_EQ(activator->counters().duration.count, 1U);
    EXPECT_EQ(activator->counters().running, 0U);
}

TEST_F(ExecActivatorTest, ProgramHasNoDescriptorSignalMaskOrGroupOfTheAgent) {
    sigset_t blocked;
    sigset_t before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    const auto ignored = std::signal(SIGUSR2, SIG_IGN);
    const util::UniqueFd inherited(::dup2(STDERR_FILENO, 57));  // without O_CLOEXEC

    script(R"sh({
        [ -e /proc/$$/fd/57 ] && echo inherited
        read line || echo "no input"
        [ "$(cut -d' ' -f5 /proc/$$/stat)" = $$ ] && echo "own group"
        grep SigBlk /proc/$$/status | cut -f2
        grep SigIgn /proc/$$/status | cut -f2
        } > "$dir/found" 2>&1)sh");
    const auto end = activate("ratings");
    ASSERT_TRUE(finished(end));
    std::signal(SIGUSR2, ignored);
    sigprocmask(SIG_SETMASK, &before, nullptr);
    std::stringstream found(read("found"));
    Strings lines;
    for (std::string line; std::getline(found, line);) {
        lines.push_back(line);
    }
    ASSERT_EQ(lines.size(), 4U) << found.str();
    EXPECT_EQ(lines[0], "no input");
    EXPECT_EQ(lines[1], "own group");
    EXPECT_EQ(std::stoull(lines[2], nullptr, 16), 0U) << "blocked signals";
    EXPECT_EQ(std::stoull(lines[3], nullptr, 16) & (1ULL << (SIGUSR2 - 1)), 0U) << "ignored ones";
}

TEST_F(ExecActivatorTest, ExitStatusOtherThanZeroIsAFailureThatSaysWhatToDo) {
    script("exit 3");
    const auto end = activate("ratings");
    ASSERT_TRUE(finished(end));
    ASSERT_FALSE(end->value());
    const auto text = end->value().error().text();
    EXPECT_NE(text.find("activate shop ratings' ended with exit status 3"), std::string::npos)
        << text;
    EXPECT_EQ(activator->counters().failed, 1U);
}

TEST_F(ExecActivatorTest, DeathBySignalIsAFailure) {
    script("kill -SEGV $$");
    const auto end = activate("ratings");
    ASSERT_TRUE(finished(end));
    ASSERT_FALSE(end->value());
    EXPECT_NE(end->value().error().text().find("signal SIGSEGV"), std::string::npos);
}

TEST_F(ExecActivatorTest, HangingProgramIsAskedToEndWithAllOfItsGroup) {
    script(R"sh(sleep 1000 &
        echo $! > "$dir/child"
        trap 'echo asked > "$dir/asked"; exit 1' TERM
        echo > "$dir/ready"
        wait)sh",
           {.timeout = milliseconds(300), .kill_after = std::chrono::minutes(10)});
    const auto end = activate("ratings");
    ASSERT_TRUE(appears("ready"));
    ASSERT_TRUE(finished(end));
    ASSERT_FALSE(end->value());
    EXPECT_NE(end->value().error().text().find("has to return"), std::string::npos);
    EXPECT_EQ(read("asked"), "asked\n");
    const auto child = std::stoi(read("child"));
    EXPECT_TRUE(support::wait_until([child] { return !runs(child); }));
    EXPECT_EQ(activator->counters().timed_out, 1U);
    EXPECT_EQ(activator->counters().failed, 0U);
}

TEST_F(ExecActivatorTest, ProgramThatIgnoresTheRequestIsKilled) {
    script(R"sh(trap '' TERM
        echo $$ > "$dir/pid"
        while :; do sleep 0.01; done)sh",
           {.timeout = milliseconds(200), .kill_after = milliseconds(20)});
    const auto end = activate("ratings");
    ASSERT_TRUE(finished(end));
    EXPECT_FALSE(end->value());
    EXPECT_FALSE(runs(std::stoi(read("pid"))));
    EXPECT_EQ(activator->counters().timed_out, 1U);
}

TEST_F(ExecActivatorTest, OutputGoesToTheLogWithinBounds) {
    script(R"sh(echo to output; echo to error >&2
        head -c 3000000 /dev/zero | tr '\0' x; echo
        yes many | head -n 100000
        printf 'no newline')sh");
    testing::internal::CaptureStderr();
    const auto end = activate("ratings");
    const bool ended = finished(end);
    const std::string text = testing::internal::GetCapturedStderr();
    ASSERT_TRUE(ended);
    EXPECT_TRUE(end->value()) << end->value().error().text();
    EXPECT_EQ(text.find("<6>activator of shop/ratings: to output\n"), 0U) << text.substr(0, 200);
    EXPECT_NE(text.find("<6>activator of shop/ratings: to error\n"), std::string::npos);
    EXPECT_NE(text.find("prints more than 200 lines"), std::string::npos);
    EXPECT_EQ(std::ranges::count(text, '\n'), 201);
    EXPECT_LT(text.size(), 20000U);
}

TEST_F(ExecActivatorTest, LastLineNeedsNoNewline) {
    script("printf 'no newline'");
    testing::internal::CaptureStderr();
    const bool ended = finished(activate("ratings"));
    const std::string text = testing::internal::GetCapturedStderr();
    ASSERT_TRUE(ended);
    EXPECT_EQ(text, "<6>activator of shop/ratings: no newline\n");
}

TEST_F(ExecActivatorTest, WhatItLeavesRunningIsNeitherWaitedForNorEnded) {
    script(R"sh(sleep 1000 &
        echo $! > "$dir/instance")sh",
           {.output_grace = milliseconds(20)});
    testing::internal::CaptureStderr();
    const auto end = activate("ratings");
    const bool ended = finished(end);
    turn_past(*loop, milliseconds(20));
    const std::string text = testing::internal::GetCapturedStderr();
    ASSERT_TRUE(ended);
    EXPECT_TRUE(end->value());
    EXPECT_NE(text.find("give what stays in the background an output of its own"),
              std::string::npos);
    activator.reset();
    const auto instance = std::stoi(read("instance"));
    EXPECT_TRUE(runs(instance));
    ::kill(instance, SIGKILL);
}

TEST_F(ExecActivatorTest, WhatItLeavesRunningHasTimeToGetAnOutputOfItsOwn) {
    script(R"sh(sleep 1000 &
        echo $! > "$dir/instance")sh",
           {.output_grace = std::chrono::minutes(10)});
    testing::internal::CaptureStderr();
    const bool ended = finished(activate("ratings"));
    turn_past(*loop, milliseconds(5));
    activator.reset();
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    ASSERT_TRUE(ended);
    ::kill(std::stoi(read("instance")), SIGKILL);
}

TEST_F(ExecActivatorTest, InstanceWithItsOwnOutputIsNoReasonToWarn) {
    script(R"sh(sleep 1000 > /dev/null 2>&1 &
        while [ "$(readlink /proc/$!/fd/2)" != /dev/null ]; do sleep 0.001; done
        echo $! > "$dir/instance")sh",
           {.output_grace = milliseconds(1)});
    testing::internal::CaptureStderr();
    const bool ended = finished(activate("ratings"));
    turn_past(*loop, milliseconds(5));
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    ASSERT_TRUE(ended);
    ::kill(std::stoi(read("instance")), SIGKILL);
}

TEST_F(ExecActivatorTest, OnlySomeRunAtOnceAndTheOthersInOrder) {
    script(R"sh(echo "$2" >> "$dir/begun"
        while [ ! -e "$dir/go" ]; do sleep 0.01; done)sh",
           {.max_parallel = 1});
    std::vector<End> ends;
    for (const auto* name : {"a", "b", "c"}) {
        ends.push_back(activate(name));
    }
    ASSERT_TRUE(appears("begun"));
    EXPECT_EQ(activator->counters().running, 1U);
    EXPECT_EQ(activator->counters().queued, 2U);
    write("go", "");
    for (const auto& end : ends) {
        ASSERT_TRUE(finished(end));
        EXPECT_TRUE(end->value());
    }
    EXPECT_EQ(read("begun"), "a\nb\nc\n");
}

TEST_F(ExecActivatorTest, ParallelOnesDoNotWaitForEachOther) {
    script(R"sh([ "$2" = slow ] && while :; do sleep 0.01; done; exit 0)sh", {.max_parallel = 2});
    const auto slow = activate("slow");
    const auto quick = activate("quick");
    ASSERT_TRUE(finished(quick));
    EXPECT_FALSE(slow->has_value());
    EXPECT_EQ(activator->counters().running, 1U);
}

TEST_F(ExecActivatorTest, ProgramsStillRunningAtTheEndAreAskedToEnd) {
    script(R"sh(echo $$ > "$dir/pid"; mv "$dir/pid" "$dir/ready"; while :; do sleep 0.01; done)sh");
    const auto end = activate("ratings");
    ASSERT_TRUE(appears("ready"));
    activator.reset();
    const auto pid = std::stoi(read("ready"));
    EXPECT_TRUE(support::wait_until([pid] { return !runs(pid); }));
    turn_past(*loop, milliseconds(1));
    EXPECT_FALSE(end->has_value());
}

TEST_F(ExecActivatorTest, ProgramThatCannotBeExecutedIsAFailure) {
    auto made = ExecActivator::create(*loop, {.path = write("text", "no interpreter named\n")});
    ASSERT_TRUE(made);
    activator = std::move(*made);
    auto end = activate("ratings");
    ASSERT_TRUE(finished(end));
    ASSERT_FALSE(end->value());
    EXPECT_NE(end->value().error().text().find("#!/bin/sh"), std::string::npos);

    std::filesystem::remove(directory / "text");  // gone after the start
    end = activate("ratings");
    ASSERT_TRUE(finished(end));
    ASSERT_FALSE(end->value());
    EXPECT_EQ(end->value().error().code, ENOENT);
    EXPECT_EQ(activator->counters().not_started, 2U);
}

TEST_F(ExecActivatorTest, BadPathIsReportedAtTheStart) {
    const auto why = [this](const std::filesystem::path& path) {
        const auto made = ExecActivator::create(*loop, {.path = path});
        return made ? "none" : made.error().text();
    };
    EXPECT_NE(why(directory / "missing").find("does not exist"), std::string::npos);
    EXPECT_NE(why(directory).find("is not a file"), std::string::npos);
    EXPECT_NE(why(write("plain", "#!/bin/sh\n", 0644)).find("chmod +x"), std::string::npos);
}

TEST_F(ExecActivatorTest, DescriptorsAreGivenBack) {
    const auto open_descriptors = [] {
        return std::ranges::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                                     std::filesystem::directory_iterator());
    };
    script("exit 0");
    ASSERT_TRUE(finished(activate("warm-up")));
    const auto before = open_descriptors();
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(finished(activate("ratings")));
    }
    EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace directfaas::hold
