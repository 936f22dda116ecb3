// SPDX-License-Identifier: Apache-2.0
// What an activator prints, and what it leaves running with its output.
#include <algorithm>
#include <csignal>

#include "test/unit/hold/exec_fixture.h"

namespace directfaas::hold {
namespace {

using ExecOutputTest = ExecFixture;

TEST_F(ExecOutputTest, OutputGoesToTheLogWithinBounds) {
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

TEST_F(ExecOutputTest, LastLineNeedsNoNewline) {
    script("printf 'no newline'");
    testing::internal::CaptureStderr();
    const bool ended = finished(activate("ratings"));
    const std::string text = testing::internal::GetCapturedStderr();
    ASSERT_TRUE(ended);
    EXPECT_EQ(text, "<6>activator of shop/ratings: no newline\n");
}

TEST_F(ExecOutputTest, WhatItLeavesRunningIsNeitherWaitedForNorEnded) {
    script(R"sh(tail -f /dev/null &
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

TEST_F(ExecOutputTest, WhatItLeavesRunningHasTimeToGetAnOutputOfItsOwn) {
    script(R"sh(tail -f /dev/null &
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

TEST_F(ExecOutputTest, InstanceWithItsOwnOutputIsNoReasonToWarn) {
    script(R"sh(tail -f /dev/null > /dev/null 2>&1 &
        while [ "$(readlink /proc/$!/fd/2)" != /dev/null ]; do :; done
        echo $! > "$dir/instance")sh",
           {.output_grace = milliseconds(1)});
    testing::internal::CaptureStderr();
    const bool ended = finished(activate("ratings"));
    turn_past(*loop, milliseconds(5));
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    ASSERT_TRUE(ended);
    ::kill(std::stoi(read("instance")), SIGKILL);
}

}  // namespace
}  // namespace directfaas::hold
