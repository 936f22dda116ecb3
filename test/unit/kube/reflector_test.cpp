// SPDX-License-Identifier: Apache-2.0
// List and watch as long as all goes well, and what a stream may look like.
#include "test/unit/kube/reflecting.h"

namespace directfaas::kube {
namespace {

using support::wait_until;
using testing::ElementsAre;

TEST_F(ReflectorTest, ListsWhatIsThereThenWatchesFromTheListsVersion) {
    script_.on_list(10, {object("a", 3), object("b", 7)});
    script_.on_watch(
        lines_then_silence({event("ADDED", object("c", 11)), event("MODIFIED", object("a", 12)),
                            event("DELETED", object("b", 13))}));
    start();
    expect("a=12 c=11");
    EXPECT_THAT(script_.requests(), ElementsAre("list 0", "watch 10"));
    const auto status = reflector_->status();
    EXPECT_TRUE(status.listed);
    EXPECT_TRUE(status.watching);
    EXPECT_TRUE(wait_until([&] { return reflector_->status().events == 3; }));
    EXPECT_EQ(status.trouble, "");
}

TEST_F(ReflectorTest, AsksForBookmarksAndALimitedTimeAndItsSelectors) {
    resource_.label_selector = "app=gateway,tier in (a)";
    resource_.field_selector = "spec.nodeName=n1";
    script_.on_watch(lines_then_silence({event("ADDED", object("a", 2))}));
    start();
    expect("a=2");
    const auto asked = script_.last_watch();
    EXPECT_EQ(asked.path, "/api/v1/pods");
    EXPECT_EQ(asked.parameter("allowWatchBookmarks"), "true");
    EXPECT_EQ(asked.parameter("labelSelector"), "app=gateway,tier in (a)");
    EXPECT_EQ(asked.parameter("fieldSelector"), "spec.nodeName=n1");
    const int seconds = std::stoi(asked.parameter("timeoutSeconds"));
    EXPECT_GE(seconds, options_.watch_min.count());
    EXPECT_LE(seconds, options_.watch_max.count());
}

TEST_F(ReflectorTest, ChunksEndAnywhere) {
    script_.on_watch([](const FakeRequest&, FakeAnswer& answer) {
        answer.begin();
        const auto text = event("ADDED", object("a", 2)) + "\n\n" + event("ADDED", object("b", 3)) +
                          "\r\n" + event("ADDED", object("c", 4)) + "\n";
        for (const char byte : text) {
            answer.chunk({&byte, 1});
        }
        answer.hang();
    });
    start();
    expect("a=2 b=3 c=4");
}

TEST_F(ReflectorTest, AnEventIsDeliveredThoughTheNextOneIsHalfThere) {
    script_.on_watch([](const FakeRequest&, FakeAnswer& answer) {
        answer.begin();
        answer.chunk(event("ADDED", object("a", 2)) + "\n{\"type\":\"ADD");
        answer.hang();
    });
    start();
    expect("a=2");
}

TEST_F(ReflectorTest, AfterAProperEndItGoesOnFromTheLastEvent) {
    script_.on_list(5, {object("a", 5)});
    script_.on_watch(lines_then_end({event("MODIFIED", object("a", 6))}));
    script_.on_watch(lines_then_silence({event("MODIFIED", object("a", 7))}));
    start();
    expect("a=7");
    EXPECT_THAT(script_.requests(), ElementsAre("list 0", "watch 5", "watch 6"));
}

TEST_F(ReflectorTest, AfterABrokenConnectionToo) {
    script_.on_list(5, {object("a", 5)});
    script_.on_watch([](const FakeRequest&, FakeAnswer& answer) {
        answer.begin();
        answer.chunk(event("MODIFIED", object("a", 6)) + "\n{\"type\":\"MODI");
        answer.close();
    });
    script_.on_watch(lines_then_silence({event("MODIFIED", object("a", 7))}));
    start();
    expect("a=7");
    EXPECT_THAT(script_.requests(), ElementsAre("list 0", "watch 5", "watch 6"));
}

TEST_F(ReflectorTest, ABookmarkMovesOnlyTheVersion) {
    script_.on_list(5, {object("a", 5)});
    script_.on_watch(lines_then_end({bookmark(99)}));
    start();
    EXPECT_THAT(first_requests(3), ElementsAre("list 0", "watch 5", "watch 99"));
    EXPECT_EQ(sink_.shown(), "a=5");
    EXPECT_EQ(sink_.calls(), 1);
}

TEST_F(ReflectorTest, TheSameEventTwiceIsNoHarm) {
    script_.on_list(5, {object("a", 5)});
    script_.on_watch(lines_then_end({event("ADDED", object("b", 6))}));
    script_.on_watch(
        lines_then_silence({event("ADDED", object("b", 6)), event("ADDED", object("a", 5)),
                            event("ADDED", object("c", 7))}));
    start();
    expect("a=5 b=6 c=7");
}

TEST_F(ReflectorTest, AnObjectOfFiveMegabytesPasses) {
    auto large = object("large", 6);
    large.insert(1, fmt::format(R"("data":"{}",)", std::string(5 << 20, 'x')));
    script_.on_list(5, {});
    script_.on_watch(lines_then_silence({event("ADDED", large), event("ADDED", object("b", 7))}));
    start();
    expect("b=7 large=6");
    EXPECT_EQ(script_.requests().size(), 2U);
}

TEST_F(ReflectorTest, StopEndsASilentWatchAndASilentList) {
    script_.on_list(5, {});
    start();
    EXPECT_TRUE(wait_until([&] { return reflector_->status().watching; }));
    reflector_->stop();  // hangs, if it does not end the watch

    bool asked = false;
    std::mutex mutex;
    script_.on_list([&](const FakeRequest&, FakeAnswer& answer) {
        {
            const std::scoped_lock lock(mutex);
            asked = true;
        }
        answer.hang();
        answer.close();
    });
    start();
    EXPECT_TRUE(wait_until([&] {
        const std::scoped_lock lock(mutex);
        return asked;
    }));
    reflector_->stop();
    EXPECT_FALSE(reflector_->status().listed);
}

}  // namespace
}  // namespace directfaas::kube
