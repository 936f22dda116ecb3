// SPDX-License-Identifier: Apache-2.0
// A log line is one line, whatever is in the message.
#include "lib/util/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

namespace directfaas::util {
namespace {

class LogTest : public testing::Test {
   protected:
    ~LogTest() override { log::configure(log::Level::kInfo, log::Format::kText); }

    static std::string written(const auto& writes) {
        testing::internal::CaptureStderr();
        writes();
        return testing::internal::GetCapturedStderr();
    }
};

TEST_F(LogTest, TextHasThePriorityThatJournaldReads) {
    log::configure(log::Level::kDebug, log::Format::kText);
    EXPECT_EQ(written([] {
                  log::debug("d");
                  log::info("{} of {}", 1, 2);
                  log::warning("w");
                  log::error("e");
              }),
              "<7>d\n<6>1 of 2\n<4>w\n<3>e\n");
}

TEST_F(LogTest, LowerLevelsAreLeftOut) {
    log::configure(log::Level::kWarning, log::Format::kText);
    EXPECT_FALSE(log::enabled(log::Level::kInfo));
    EXPECT_TRUE(log::enabled(log::Level::kError));
    EXPECT_EQ(written([] {
                  log::debug("d");
                  log::info("i");
                  log::warning("w");
              }),
              "<4>w\n");
}

TEST_F(LogTest, AMessageCannotForgeALineOrATerminalCode) {
    EXPECT_EQ(written([] { log::info("a\n<0>b\r\x1b[31m\tc"); }),
              "<6>a\\n<0>b\\u000d\\u001b[31m\\u0009c\n");
}

TEST_F(LogTest, TextKeepsQuotesAndOtherScripts) {
    EXPECT_EQ(written([] { log::info("\"a\\b\" → ü"); }), "<6>\"a\\b\" → ü\n");
}

TEST_F(LogTest, JsonIsJsonAndGivesTheMessageBack) {
    log::configure(log::Level::kInfo, log::Format::kJson);
    const std::string message = "a \"quoted\" back\\slash\nnew line\ttab \x01 → ü";
    const auto line = written([&] { log::warning("{}", message); });
    EXPECT_EQ(std::ranges::count(line, '\n'), 1);
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json.at("message"), message);
    EXPECT_EQ(json.at("level"), "warning");
    EXPECT_GT(json.at("time_ms"), 0);
}

TEST_F(LogTest, LinesOfSeveralThreadsStayWhole) {
    constexpr int kThreads = 4;
    constexpr int kLines = 200;
    const std::string body(200, 'x');
    const auto text = written([&] {
        std::vector<std::jthread> threads;
        for (int t = 0; t < kThreads; ++t) {
            threads.emplace_back([&] {
                for (int i = 0; i < kLines; ++i) {
                    log::info("{}", body);
                }
            });
        }
    });
    std::string expected;
    for (int i = 0; i < kThreads * kLines; ++i) {
        expected += "<6>" + body + "\n";
    }
    EXPECT_EQ(text, expected);
}

}  // namespace
}  // namespace directfaas::util
