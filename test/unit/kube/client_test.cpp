// SPDX-License-Identifier: Apache-2.0
// Single requests and events, as they go over the wire.
#include "lib/kube/client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>

#include "lib/kube/events.h"
#include "lib/kube/httplib_transport.h"
#include "lib/kube/model_objects.h"
#include "test/support/wait.h"
#include "test/unit/kube/script.h"

namespace directfaas::kube {
namespace {

using nlohmann::json;
using support::wait_until;
using testing::HasSubstr;

/// Keeps the requests and gives the answers that a test wants.
class ClientTest : public testing::Test {
   protected:
    void answer(const FakeRequest& request, FakeAnswer& out) {
        const std::scoped_lock lock(mutex_);
        seen_.push_back(request);
        out.whole(status_, body_);
    }
    void will_answer(int code, const std::string& text) {
        const std::scoped_lock lock(mutex_);
        status_ = code;
        body_ = text;
    }
    std::vector<FakeRequest> seen() {
        const std::scoped_lock lock(mutex_);
        return seen_;
    }
    FakeRequest last() { return seen().back(); }

    std::mutex mutex_;
    std::vector<FakeRequest> seen_;
    int status_ = 200;
    std::string body_ = "{}";
    FakeApiserver server_{
        [this](const FakeRequest& request, FakeAnswer& out) { answer(request, out); }};
    Client client_{transports_to(server_.access())()};
};

TEST_F(ClientTest, ApplyTakesTheFieldsOver) {
    const auto path = object_path(resource_of(Kind::kFunctionChain, "shop"), "bookinfo", "status");
    EXPECT_TRUE(client_.apply(path, "directfaas-controller", R"({"a":1})"));
    EXPECT_EQ(last().method, "PATCH");
    EXPECT_EQ(last().path,
              "/apis/directfaas.io/v1alpha1/namespaces/shop/functionchains/bookinfo/status");
    EXPECT_EQ(last().parameter("fieldManager"), "directfaas-controller");
    EXPECT_EQ(last().parameter("force"), "true");
    EXPECT_EQ(last().headers["content-type"], "application/apply-patch+yaml");
    EXPECT_EQ(last().body, R"({"a":1})");
}

TEST_F(ClientTest, AMergePatchThatComesTooLateIsAConflict) {
    will_answer(409, status(409, "Conflict"));
    const auto answer = client_.merge("/x", R"({"metadata":{"resourceVersion":"7"}})");
    ASSERT_FALSE(answer);
    EXPECT_TRUE(answer.error().conflict());
    EXPECT_EQ(answer.error().text(), "409 Conflict: so it is");
    EXPECT_EQ(last().headers["content-type"], "application/merge-patch+json");
}

TEST_F(ClientTest, CreateReplaceGet) {
    will_answer(201, "made");
    EXPECT_EQ(client_.create("/x", "{}").value_or(""), "made");
    EXPECT_EQ(last().method, "POST");
    EXPECT_EQ(last().headers["content-type"], "application/json");
    EXPECT_TRUE(client_.replace("/x/a", "{}"));
    EXPECT_EQ(last().method, "PUT");
    EXPECT_TRUE(client_.get("/x/a"));
    EXPECT_EQ(last().method, "GET");
    will_answer(404, status(404, "NotFound"));
    EXPECT_TRUE(client_.get("/x/a").error().not_found());
}

TEST_F(ClientTest, ARefusalThatIsNoStatusIsShown) {
    will_answer(502, "bad gateway\n");
    EXPECT_EQ(client_.get("/x").error().text(), "502: bad gateway");
    will_answer(429, status(429, "TooManyRequests", R"({"retryAfterSeconds":7})"));
    EXPECT_EQ(client_.get("/x").error().retry_after, std::chrono::seconds{7});
}

TEST_F(ClientTest, Lists) {
    will_answer(200, list(9, {object("a", 1), object("b", 2)}));
    const auto listed = client_.list({.path = "/api/v1/pods", .label_selector = "a=b"});
    ASSERT_TRUE(listed) << listed.error().text();
    EXPECT_EQ(listed->items.size(), 2U);
    EXPECT_EQ(listed->resource_version, "9");
    EXPECT_EQ(last().parameter("labelSelector"), "a=b");
}

TEST(MicroTime, HasSixDigits) {
    EXPECT_EQ(micro_time(std::chrono::system_clock::time_point{
                  std::chrono::microseconds{1'000'000'000'000'042}}),
              "2001-09-09T01:46:40.000042Z");
}

TEST(TokenBucket, GivesTheBurstAndThenOneInATime) {
    const TokenBucket::Clock::time_point begin{std::chrono::hours{1}};
    TokenBucket bucket(3, std::chrono::seconds{10}, begin);
    const auto taken = [&](std::chrono::seconds after) {
        int count = 0;
        while (bucket.take(begin + after)) {
            ++count;
        }
        return count;
    };
    EXPECT_EQ(taken(std::chrono::seconds{0}), 3);
    EXPECT_EQ(taken(std::chrono::seconds{9}), 0);
    EXPECT_EQ(taken(std::chrono::seconds{10}), 1);
    EXPECT_EQ(taken(std::chrono::seconds{1000}), 3);
}

class EventsTest : public ClientTest {
   protected:
    std::unique_ptr<EventRecorder> recorder(EventOptions options) {
        options.controller = "directfaas.io/agent";
        options.instance = "n1";
        return std::make_unique<EventRecorder>(transports_to(server_.access())(), options);
    }
    static Event denied(const std::string& note) {
        return {.api_version = "v1",
                .kind = "Pod",
                .ns = "shop",
                .name = "reviews-0",
                .uid = "u",
                .type = Event::Type::kWarning,
                .reason = "Unattached",
                .action = "Attach",
                .note = note};
    }
};

TEST_F(EventsTest, AnEventIsCompleteAndWithinTheLimits) {
    const auto events = recorder({});
    events->record(denied(std::string(1023, 'x') + "ä"));
    EXPECT_TRUE(wait_until([&] { return events->counters().sent == 1; }));
    EXPECT_EQ(last().path, "/apis/events.k8s.io/v1/namespaces/shop/events");
    const auto body = json::parse(last().body);
    EXPECT_EQ(body["reportingController"], "directfaas.io/agent");
    EXPECT_EQ(body["reportingInstance"], "n1");
    EXPECT_EQ(body["type"], "Warning");
    EXPECT_EQ(body["reason"], "Unattached");
    EXPECT_EQ(body["action"], "Attach");
    EXPECT_EQ(body["regarding"]["name"], "reviews-0");
    EXPECT_EQ(body["regarding"]["namespace"], "shop");
    EXPECT_EQ(body["regarding"]["uid"], "u");
    EXPECT_EQ(body["note"], std::string(1023, 'x')) << "no half character";
    EXPECT_THAT(body["metadata"]["name"].get<std::string>(), testing::StartsWith("reviews-0."));
    EXPECT_EQ(body["eventTime"].get<std::string>().size(), 27U);
}

TEST_F(EventsTest, OfTheWholeClusterGoToTheDefaultNamespace) {
    const auto events = recorder({});
    auto event = denied("x");
    event.ns.clear();
    event.kind = "Node";
    events->record(event);
    EXPECT_TRUE(wait_until([&] { return events->counters().sent == 1; }));
    EXPECT_EQ(last().path, "/apis/events.k8s.io/v1/namespaces/default/events");
    EXPECT_FALSE(json::parse(last().body)["regarding"].contains("namespace"));
}

TEST_F(EventsTest, TheSameAgainIsToldOnceWithItsCount) {
    will_answer(503, "later");
    const auto events = recorder({.retry = std::chrono::hours{1}});
    events->record(denied("first"));
    EXPECT_TRUE(wait_until([&] { return seen().size() == 1; }));
    for (int i = 0; i < 10; ++i) {
        events->record(denied("second"));
    }
    EXPECT_EQ(events->counters().repeated, 9U);
    EXPECT_EQ(events->counters().dropped, 0U);
}

TEST_F(EventsTest, ACountIsSentAsASeries) {
    std::atomic<bool> open = false;
    const FakeApiserver server([&](const FakeRequest& request, FakeAnswer& out) {
        EXPECT_TRUE(wait_until([&] { return open.load(); }));
        answer(request, out);
    });
    EventRecorder events(transports_to(server.access())(), {});
    events.record(denied("first"));
    for (int i = 0; i < 4; ++i) {
        events.record(denied("second"));
    }
    open = true;
    EXPECT_TRUE(wait_until([&] { return events.counters().sent == 2; }));
    EXPECT_EQ(json::parse(last().body)["series"]["count"], 4);
    EXPECT_FALSE(json::parse(seen().front().body).contains("series"));
}

TEST_F(EventsTest, ABurstIsCutOff) {
    const auto events = recorder({.burst = 3, .refill = std::chrono::hours{1}});
    for (int i = 0; i < 10; ++i) {
        events->record(denied(fmt::format("{}", i)));
    }
    EXPECT_TRUE(wait_until([&] { return events->counters().sent == 3; }));
    EXPECT_EQ(events->counters().dropped, 7U);
    EXPECT_EQ(seen().size(), 3U);
}

TEST_F(EventsTest, WhatWaitsForTheApiserverIsBounded) {
    will_answer(503, "later");
    const auto events =
        recorder({.max_waiting = 4, .burst = 100, .retry = std::chrono::milliseconds{1}});
    for (int i = 0; i < 10; ++i) {
        events->record(denied(fmt::format("{}", i)));
    }
    EXPECT_EQ(events->counters().dropped, 6U);
    will_answer(201, "{}");
    EXPECT_TRUE(wait_until([&] { return events->counters().sent == 4; }));
}

TEST_F(EventsTest, ARefusedEventIsNotTriedAgain) {
    will_answer(403, status(403, "Forbidden"));
    const auto events = recorder({});
    events->record(denied("x"));
    EXPECT_TRUE(wait_until([&] { return events->counters().dropped == 1; }));
    EXPECT_EQ(seen().size(), 1U);
}

}  // namespace
}  // namespace directfaas::kube
