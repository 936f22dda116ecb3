// SPDX-License-Identifier: Apache-2.0
// Rates between readings, and `dfctl top` against an agent whose counters move.
#include <gmock/gmock.h>

#include "cli/rates.h"
#include "cli/watch.h"
#include "test/unit/cli/command_fixture.h"

namespace directfaas::cli {
namespace {

using testing::HasSubstr;
using Top = CommandTest;

Json functions(std::uint64_t opened) {
    return {{"functions", {{{"name", "a"}, {"ready", 1}, {"opened", opened}, {"denied", 4}}}}};
}

TEST(Rates, AreDifferencesOverTime) {
    const auto sample = rates_between(functions(10), functions(30), 2);
    EXPECT_EQ(sample["seconds"], 2);
    EXPECT_EQ(sample["functions"][0]["calls_per_second"], 10.0);
    EXPECT_EQ(sample["functions"][0]["denied_per_second"], 0.0);
    EXPECT_EQ(sample["functions"][0]["ready"], 1);
}

TEST(Rates, WhatIsNewOrCountsAnewHasNone) {
    EXPECT_TRUE(rates_between(functions(10), functions(9), 1)["functions"][0]["calls_per_second"]
                    .is_null());
    EXPECT_TRUE(rates_between(Json::object(), functions(9), 1)["functions"][0]["calls_per_second"]
                    .is_null());
    const auto gone = rates_between(functions(10), {{"functions", Json::array()}}, 1);
    EXPECT_TRUE(gone["functions"].empty());
}

TEST(Rates, EdgesAreToldByBothEnds) {
    const auto edges = [](std::uint64_t ab, std::uint64_t cb) -> Json {
        return {{"edges",
                 {{{"from", "a"}, {"to", "b"}, {"opened", ab}, {"bytes_request", ab * 100}},
                  {{"from", "c"}, {"to", "b"}, {"opened", cb}, {"bytes_request", 0}}}}};
    };
    const auto sample = rates_between(edges(1, 1), edges(2, 5), 1);
    EXPECT_EQ(sample["edges"][0]["calls_per_second"], 1.0);
    EXPECT_EQ(sample["edges"][0]["bytes_request_per_second"], 100.0);
    EXPECT_EQ(sample["edges"][1]["calls_per_second"], 4.0);
}

TEST_F(Top, TellsWhatCameBetweenTwoReadings) {
    std::uint64_t opened = 0;
    const FakeAgent agent(socket(), [&opened](Peer& peer) {
        EXPECT_EQ(peer.request()["command"], "functions");
        auto answer = functions(opened += 1000);
        answer["ok"] = true;
        peer.send(answer.dump() + "\n");
    });
    const auto ended = run_words({"top", "-n", "2", "--interval", "100ms", "-o", "json"});
    EXPECT_EQ(ended.exit, 0) << ended.err;
    EXPECT_EQ(std::ranges::count(ended.out, '\n'), 2) << ended.out;
    const auto sample = Json::parse(ended.out.substr(0, ended.out.find('\n')));
    const double calls =
        sample["seconds"].get<double>() * sample["functions"][0]["calls_per_second"].get<double>();
    EXPECT_NEAR(calls, 1000, 0.001);
}

TEST_F(Top, EndsWithTheAgent) {
    int answers = 0;
    const FakeAgent agent(socket(), [&answers](Peer& peer) {
        peer.request();
        if (++answers < 3) {
            peer.send("{\"ok\":true,\"functions\":[]}\n");
        }
    });
    const auto ended = run_words({"top", "--interval", "100ms"});
    EXPECT_EQ(ended.exit, 3);
    EXPECT_THAT(ended.out, HasSubstr("No functions"));
    EXPECT_THAT(ended.err, HasSubstr("closed the connection"));
}

TEST_F(Top, ALostReaderEndsItQuietly) {
    out_.close_reader();
    const FakeAgent agent(socket(), FakeAgent::answering(R"({"ok":true,"functions":[]})"));
    const auto ended = run_words({"top", "--interval", "60s"});
    EXPECT_EQ(ended.exit, 0);
    EXPECT_EQ(ended.err, "");
}

TEST(Waiting, EndsWhenStandardInputHasNoWriter) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const util::UniqueFd reader(ends[0]);
    util::UniqueFd writer(ends[1]);
    EXPECT_TRUE(wait_for(std::chrono::milliseconds(1), {-1, reader.get()}));
    writer.reset();
    EXPECT_FALSE(wait_for(std::chrono::hours(1), {-1, reader.get()}));
}

}  // namespace
}  // namespace directfaas::cli
