// SPDX-License-Identifier: Apache-2.0
// One test for each thing that an apiserver may do to a list or a watch.
#include "test/unit/kube/reflecting.h"

namespace directfaas::kube {
namespace {

using support::wait_until;
using testing::ElementsAre;

TEST_F(ReflectorTest, GoneInsideTheStreamReadsTheListAgainFromTheLastVersion) {
    script_.on_list(5, {object("a", 5)});
    script_.on_watch(
        lines_then_end({event("ADDED", object("b", 6)), event("ERROR", status(410, "Expired"))}));
    script_.on_list(9, {object("b", 8)});
    start();
    expect("b=8");
    EXPECT_THAT(first_requests(4), ElementsAre("list 0", "watch 5", "list 6", "watch 9"));
    EXPECT_EQ(relists("expired"), 1U);
}

TEST_F(ReflectorTest, GoneAsAnAnswerToo) {
    script_.on_list(5, {object("a", 5)});
    script_.on_watch(
        [](const FakeRequest&, FakeAnswer& answer) { answer.whole(410, status(410, "Gone")); });
    script_.on_list(9, {object("a", 8)});
    start();
    expect("a=8");
    EXPECT_THAT(first_requests(4), ElementsAre("list 0", "watch 5", "list 5", "watch 9"));
}

TEST_F(ReflectorTest, AListThatIsGoneIsReadAtTheNewestVersionInPages) {
    script_.on_list(5, {object("a", 5)});
    script_.on_watch(lines_then_end({event("ERROR", status(410, "Expired"))}));
    script_.on_list(
        [](const FakeRequest&, FakeAnswer& answer) { answer.whole(410, status(410, "Expired")); });
    script_.on_list([](const FakeRequest&, FakeAnswer& answer) {
        answer.whole(200, list(20, {object("a", 8)}, "more"));
    });
    script_.on_list([](const FakeRequest&, FakeAnswer& answer) {
        answer.whole(200, list(20, {object("b", 9)}));
    });
    start();
    expect("a=8 b=9");
    EXPECT_THAT(first_requests(6), ElementsAre("list 0", "watch 5", "list 5", "list - limit=500",
                                               "list - limit=500 continue=more", "watch 20"));
}

TEST_F(ReflectorTest, AVersionFromTheFutureIsGivenUp) {
    script_.on_list(500, {object("a", 400)});
    const auto future = status(504, "Timeout",
                               R"({"causes":[{"reason":"ResourceVersionTooLarge"}],)"
                               R"("retryAfterSeconds":1})");
    script_.on_watch(lines_then_end({event("ERROR", status(410, "Expired"))}));
    script_.on_list(
        [future](const FakeRequest&, FakeAnswer& answer) { answer.whole(504, future); });
    script_.on_list(20, {object("a", 15)});  // the storage was put back
    start();
    expect("a=15");
    EXPECT_THAT(first_requests(5),
                ElementsAre("list 0", "watch 500", "list 500", "list - limit=500", "watch 20"));
}

TEST_F(ReflectorTest, APageThatExpiresStartsTheListAnewInOnePiece) {
    script_.on_list(
        [](const FakeRequest&, FakeAnswer& answer) { answer.whole(410, status(410, "Expired")); });
    script_.on_list([](const FakeRequest&, FakeAnswer& answer) {
        answer.whole(200, list(20, {object("gone", 8)}, "more"));
    });
    script_.on_list(
        [](const FakeRequest&, FakeAnswer& answer) { answer.whole(410, status(410, "Expired")); });
    script_.on_list(30, {object("a", 25)});
    start();
    expect("a=25");
    EXPECT_THAT(first_requests(5),
                ElementsAre("list 0", "list - limit=500", "list - limit=500 continue=more",
                            "list -", "watch 30"));
}

TEST_F(ReflectorTest, TooManyRequestsKeepsTheVersionAndWaitsAsLongAsTold) {
    script_.on_list(5, {});
    script_.on_watch([](const FakeRequest&, FakeAnswer& answer) {
        answer.whole(429, "slow down", "Retry-After: 1\r\n");
    });
    const auto begin = std::chrono::steady_clock::now();
    start();
    EXPECT_THAT(first_requests(3), ElementsAre("list 0", "watch 5", "watch 5"));
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::seconds{1});
    EXPECT_TRUE(reflector_->status().relists.empty());
}

TEST_F(ReflectorTest, TooManyRequestsInsideTheStreamToo) {
    script_.on_list(5, {});
    script_.on_watch(lines_then_end({event("ERROR", status(429, "TooManyRequests"))}));
    start();
    EXPECT_THAT(first_requests(3), ElementsAre("list 0", "watch 5", "watch 5"));
}

TEST_F(ReflectorTest, ThreeWatchesThatEndAtOnceMakeTheVersionSuspect) {
    script_.on_list(5, {object("a", 5)});
    for (int i = 0; i < 3; ++i) {
        script_.on_watch(lines_then_end({}));
    }
    script_.on_list(9, {object("a", 8)});
    start();
    expect("a=8");
    EXPECT_THAT(first_requests(6),
                ElementsAre("list 0", "watch 5", "watch 5", "watch 5", "list 0", "watch 9"));
    EXPECT_EQ(relists("short_watches"), 1U);
}

TEST_F(ReflectorTest, WatchesThatBreakAtOnceDoToo) {
    script_.on_list(5, {object("a", 5)});
    for (int i = 0; i < 3; ++i) {
        script_.on_watch([](const FakeRequest&, FakeAnswer& answer) {
            answer.begin();
            answer.close();
        });
    }
    script_.on_list(9, {object("a", 8)});
    start();
    expect("a=8");
    EXPECT_EQ(relists("short_watches"), 1U);
}

TEST_F(ReflectorTest, AnEventInBetweenClearsTheSuspicion) {
    script_.on_list(5, {});
    for (const auto& lines : {std::vector<std::string>{}, {}, {bookmark(6)}, {}, {}}) {
        script_.on_watch(lines_then_end(lines));
    }
    script_.on_watch(lines_then_silence({event("ADDED", object("a", 7))}));
    start();
    expect("a=7");
    EXPECT_EQ(relists("short_watches"), 0U);
}

TEST_F(ReflectorTest, ServerErrorsAreSatOutForATime) {
    script_.on_list(5, {});
    const auto broken = [](const FakeRequest&, FakeAnswer& answer) {
        answer.whole(503, status(503, "ServiceUnavailable"));
    };
    script_.on_watch(broken).on_watch(broken);
    script_.on_watch(lines_then_silence({event("ADDED", object("a", 7))}));
    start();
    expect("a=7");
    EXPECT_THAT(script_.requests(), ElementsAre("list 0", "watch 5", "watch 5", "watch 5"));
}

TEST_F(ReflectorTest, ServerErrorsThatLastReadTheListAgain) {
    options_.server_errors = std::chrono::milliseconds{0};
    script_.on_list(5, {});
    const auto broken = [](const FakeRequest&, FakeAnswer& answer) {
        answer.whole(500, status(500, "InternalError"));
    };
    script_.on_watch(broken).on_watch(broken).on_watch(broken);
    script_.on_list(9, {object("a", 8)});
    start();
    expect("a=8");
    EXPECT_GE(relists("server_errors"), 1U);
}

TEST_F(ReflectorTest, AForbiddenListIsTriedAgainAndSaysWhy) {
    const auto forbidden = [](const FakeRequest&, FakeAnswer& answer) {
        answer.whole(403, status(403, "Forbidden"));
    };
    options_.backoff = {.first = std::chrono::milliseconds{50},
                        .max = std::chrono::milliseconds{50}};
    for (int i = 0; i < 4; ++i) {
        script_.on_list(forbidden);
    }
    script_.on_list(9, {object("a", 8)});
    start();
    EXPECT_TRUE(wait_until([&] {
        return reflector_->status().trouble == "list /api/v1/pods: 403 Forbidden: so it is";
    }));
    EXPECT_FALSE(reflector_->status().listed);
    expect("a=8");
    EXPECT_TRUE(wait_until([&] { return reflector_->status().trouble.empty(); }));
}

TEST_F(ReflectorTest, AListThatIsCutOffIsNotTaken) {
    script_.on_list([](const FakeRequest&, FakeAnswer& answer) {
        answer.bytes("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + list(5, {object("x", 1)}));
        answer.close();
    });
    script_.on_list([](const FakeRequest&, FakeAnswer& answer) {
        answer.whole(200, R"({"metadata":{"resourceVersion":"5"},"items":[{"metadata":)");
    });
    script_.on_list(9, {object("a", 8)});
    start();
    expect("a=8");
    EXPECT_EQ(sink_.calls(), 1);
}

TEST_F(ReflectorTest, AnEventOverTheLimitIsPassedByAList) {
    options_.max_event = 1000;
    auto large = object("large", 6);
    large.insert(1, fmt::format(R"("data":"{}",)", std::string(2000, 'x')));
    script_.on_list(5, {});
    script_.on_watch(lines_then_silence({event("ADDED", large)}));
    script_.on_list(9, {large, object("a", 8)});
    start();
    expect("a=8 large=6");
    EXPECT_EQ(relists("not_understood"), 1U);
}

TEST_F(ReflectorTest, WhatIsNoEventIsPassedByAList) {
    for (const auto* line : {"nonsense", R"({"type":"NEW","object":{}})",
                             R"({"type":"ADDED","object":{"metadata":{}}})", R"({"type":)"}) {
        script_.on_list(5, {});
        script_.on_watch(lines_then_silence({line}));
    }
    script_.on_list(9, {object("a", 8)});
    start();
    expect("a=8");
    EXPECT_EQ(relists("not_understood"), 4U);
}

TEST_F(ReflectorTest, AServerThatIsAwayIsTriedAgainSoonerThanOneThatRefuses) {
    options_.backoff = {.first = std::chrono::hours{1}, .max = std::chrono::hours{1}};
    options_.unanswered_max = std::chrono::milliseconds{1};
    script_.on_list([](const FakeRequest&, FakeAnswer& answer) { answer.close(); });
    script_.on_list(5, {});
    script_.on_watch([](const FakeRequest&, FakeAnswer& answer) { answer.close(); });
    script_.on_list(5, {});  // asked for its version alone
    script_.on_watch(lines_then_silence({event("ADDED", object("a", 7))}));
    start();
    expect("a=7");
}

TEST_F(ReflectorTest, ConnectionsThatAreNotServedKeepTheVersion) {
    script_.on_list(5, {object("a", 5)});
    script_.on_watch(lines_then_end({event("ADDED", object("b", 6))}));
    for (int i = 0; i < 5; ++i) {
        script_.on_watch([](const FakeRequest&, FakeAnswer& answer) { answer.close(); });
    }
    for (int i = 0; i < 5; ++i) {
        script_.on_list(6, {object("a", 5)});  // asked for its version alone
    }
    script_.on_watch(lines_then_silence({event("ADDED", object("c", 7))}));
    start();
    expect("a=5 b=6 c=7");
    EXPECT_TRUE(reflector_->status().relists.empty());
    EXPECT_EQ(script_.requests().size(), 13U);
    EXPECT_EQ(script_.requests()[3], "list - limit=1");
}

/// A watch at a version of a future that was taken back is served, and tells nothing.
TEST_F(ReflectorTest, AStorageThatWasPutBackIsReadAgain) {
    script_.on_list(5, {object("a", 5)});
    script_.on_watch(lines_then_end({event("ADDED", object("b", 9))}));
    script_.on_watch([](const FakeRequest&, FakeAnswer& answer) { answer.close(); });
    script_.on_list(6, {object("a", 5)});
    script_.on_list(7, {object("a", 5), object("c", 7)});
    start();
    expect("a=5 c=7");
    EXPECT_EQ(relists("put_back"), 1U);
    EXPECT_THAT(first_requests(6), ElementsAre("list 0", "watch 5", "watch 9", "list - limit=1",
                                               "list - limit=500", "watch 7"));
}

TEST_F(ReflectorTest, AStorageThatDoesNotTellItsVersionIsTrusted) {
    script_.on_list(5, {object("a", 5)});
    script_.on_watch([](const FakeRequest&, FakeAnswer& answer) { answer.close(); });
    script_.on_list([](const FakeRequest&, FakeAnswer& answer) { answer.close(); });
    script_.on_watch(lines_then_silence({event("ADDED", object("b", 6))}));
    start();
    expect("a=5 b=6");
    EXPECT_TRUE(reflector_->status().relists.empty());
}

}  // namespace
}  // namespace directfaas::kube
