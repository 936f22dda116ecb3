// SPDX-License-Identifier: Apache-2.0
// The exec activator with real scripts: good, failing, hanging, many at once.
#include <fcntl.h>

#include <algorithm>
#include <csignal>
#include <ranges>

#include "test/unit/hold/exec_fixture.h"

namespace directfaas::hold {
namespace {

using ExecActivatorTest = ExecFixture;

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
    std::vector<std::string> lines;
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
    script(R"sh(tail -f /dev/null &
        echo $! > "$dir/child"
        trap 'echo asked > "$dir/asked"; exit 1' TERM
        echo > "$dir/ready"
        wait)sh",
           {.timeout = milliseconds(1000), .kill_after = std::chrono::minutes(10)});
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
        read -r _ < "$dir/forever")sh",
           {.timeout = milliseconds(1000), .kill_after = milliseconds(20)});
    const auto end = activate("ratings");
    ASSERT_TRUE(finished(end));
    EXPECT_FALSE(end->value());
    EXPECT_FALSE(runs(std::stoi(read("pid"))));
    EXPECT_EQ(activator->counters().timed_out, 1U);
}

TEST_F(ExecActivatorTest, OnlySomeRunAtOnceAndTheOthersInOrder) {
    ASSERT_EQ(::mkfifo((directory / "go").c_str(), 0600), 0);
    const util::UniqueFd go(::open((directory / "go").c_str(), O_RDWR | O_CLOEXEC));
    script(R"sh(echo "$2" >> "$dir/begun"
        read -r _ < "$dir/go")sh",
           {.max_parallel = 1});
    std::vector<End> ends;
    for (const auto* name : {"a", "b", "c"}) {
        ends.push_back(activate(name));
    }
    ASSERT_TRUE(appears("begun"));
    EXPECT_EQ(activator->counters().running, 1U);
    EXPECT_EQ(activator->counters().queued, 2U);
    ASSERT_EQ(::write(go.get(), "\n\n\n", 3), 3);
    for (const auto& end : ends) {
        ASSERT_TRUE(finished(end));
        EXPECT_TRUE(end->value());
    }
    EXPECT_EQ(read("begun"), "a\nb\nc\n");
}

TEST_F(ExecActivatorTest, ParallelOnesDoNotWaitForEachOther) {
    script(R"sh([ "$2" = quick ] || read -r _ < "$dir/forever")sh", {.max_parallel = 2});
    const auto slow = activate("slow");
    const auto quick = activate("quick");
    ASSERT_TRUE(finished(quick));
    EXPECT_FALSE(slow->has_value());
    EXPECT_EQ(activator->counters().running, 1U);
}

TEST_F(ExecActivatorTest, ProgramsStillRunningAtTheEndAreAskedToEnd) {
    script(R"sh(echo $$ > "$dir/pid"; mv "$dir/pid" "$dir/ready"; read -r _ < "$dir/forever")sh");
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
