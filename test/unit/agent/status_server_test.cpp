// SPDX-License-Identifier: Apache-2.0
// The HTTP server beside a loop: what it answers, when the loop is busy, dead or ending.
#include "agent/status/status_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <atomic>
#include <thread>

#include "test/support/memory_backend.h"
#include "test/unit/agent/ports.h"
#include "test/unit/agent/pump.h"
#include "test/unit/agent/shop.h"

namespace directfaas::status {
namespace {

using namespace agent_test;
using testing::HasSubstr;

class StatusServerTest : public testing::Test {
   protected:
    util::Result<void> serve(std::chrono::milliseconds stalled = std::chrono::seconds(10)) {
        auto server =
            StatusServer::create(*loop_, backend_,
                                 {.figures =
                                      [this] {
                                          AgentFigures figures;
                                          figures.version = version_;
                                          return figures;
                                      },
                                  .not_ready = [this] { return not_ready_; }},
                                 {.host = "127.0.0.1", .port = port_, .stalled = stalled});
        if (!server) {
            return std::unexpected(server.error());
        }
        server_ = std::move(*server);
        return {};
    }
    struct Reply {
        int status = 0;
        std::string body;
        std::string type;
    };
    static Reply get(std::uint16_t port, const char* path) {
        httplib::Client client("127.0.0.1", port);
        client.set_read_timeout(std::chrono::seconds(20));
        const auto result = client.Get(path);
        return result
                   ? Reply{result->status, result->body, result->get_header_value("Content-Type")}
                   : Reply{};
    }
    /// Asks from another thread while the loop turns here.
    Reply get_turning(const char* path) {
        Reply reply;
        std::atomic<bool> done = false;
        std::thread asking([&] {
            reply = get(port_, path);
            done = true;
        });
        pump_until(*loop_, [&] { return done.load(); });
        asking.join();
        return reply;
    }

    std::unique_ptr<util::EventLoop> loop_ = std::move(*util::EventLoop::create());
    support::MemoryBackend backend_;
    std::uint16_t port_ = free_port();
    std::string version_ = "1";
    std::vector<std::string> not_ready_;
    std::unique_ptr<StatusServer> server_;
};

TEST_F(StatusServerTest, ServesMetricsAsText) {
    ASSERT_TRUE(serve());
    const auto reply = get_turning("/metrics");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.type, "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_THAT(reply.body, HasSubstr("# TYPE directfaas_build_info gauge\n"));
    EXPECT_THAT(reply.body, HasSubstr("directfaas_build_info{version=\"1\",backend=\"\"} 1\n"));
    EXPECT_THAT(reply.body, HasSubstr("process_start_time_seconds"));
}

TEST_F(StatusServerTest, ReadinessGivesItsReasons) {
    ASSERT_TRUE(serve());
    EXPECT_EQ(get_turning("/readyz").status, 200);
    not_ready_ = {"one reason", "another"};
    const auto reply = get_turning("/readyz");
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.body, "one reason\nanother\n");
    EXPECT_EQ(get_turning("/healthz").status, 200) << "not ready is not dead";
    EXPECT_EQ(get_turning("/elsewhere").status, 404);
}

TEST_F(StatusServerTest, AStalledLoopIsUnhealthy) {
    ASSERT_TRUE(serve(std::chrono::milliseconds(50)));
    // Nobody turns the loop from here on.
    ASSERT_TRUE(support::wait_until([this] { return get(port_, "/healthz").status == 503; }));
    EXPECT_THAT(get(port_, "/healthz").body, HasSubstr("has not turned"));
    EXPECT_EQ(get(port_, "/readyz").status, 503);
    EXPECT_EQ(get(port_, "/metrics").status, 503);
    EXPECT_TRUE(pump_until(*loop_, [this] { return get(port_, "/healthz").status == 200; }));
}

TEST_F(StatusServerTest, ATakenPortIsNamed) {
    ASSERT_TRUE(serve());
    const auto first = std::move(server_);
    const auto second = serve();
    ASSERT_FALSE(second) << "two agents on one port would answer in turn";
    EXPECT_THAT(second.error().text(), HasSubstr("127.0.0.1:" + std::to_string(port_)));
    EXPECT_THAT(second.error().text(), HasSubstr("--http-listen"));
    EXPECT_THAT(second.error().text(), HasSubstr("Address already in use"));
    port_ = free_port();
    EXPECT_TRUE(serve());
    EXPECT_EQ(get_turning("/healthz").status, 200);
}

TEST_F(StatusServerTest, EndsWhileARequestWaitsForTheLoop) {
    ASSERT_TRUE(serve(std::chrono::hours(1)));
    std::atomic<bool> answered = false;
    std::thread asking([&] {
        get(port_, "/readyz");
        answered = true;
    });
    // The request is in the loop's queue once something is; nobody turns the loop before.
    bool seen = false;
    loop_->post([&seen] { seen = true; });
    server_.reset();
    asking.join();
    EXPECT_TRUE(answered);
    EXPECT_TRUE(pump_until(*loop_, [&seen] { return seen; })) << "what was queued is harmless now";
}

/// For the thread sanitizer: scrapes beside a loop that changes everything they read.
TEST_F(StatusServerTest, ScrapesAndTheLoopDoNotDisturbEachOther) {
    ASSERT_TRUE(serve());
    std::atomic<int> answers = 0;
    std::vector<std::thread> scrapers;
    for (const char* path : {"/metrics", "/readyz", "/healthz"}) {
        scrapers.emplace_back([&, path] {
            for (int i = 0; i < 30; ++i) {
                answers += get(port_, path).status == 200 ? 1 : 0;
            }
        });
    }
    int turn = 0;
    model::Model model({.node_name = "n", .pod_networks = {}});
    EXPECT_TRUE(pump_until(*loop_, [&] {
        ++turn;
        version_ = std::to_string(turn);
        not_ready_.assign(0, "");
        auto files = shop_files();
        if (turn % 2 == 0) {
            files = {{"chain.yaml", {}}};
        }
        if (auto delta = model.replace_all(std::move(files))) {
            EXPECT_TRUE(backend_.apply(*delta));
        }
        return answers == 90;
    }));
    for (auto& scraper : scrapers) {
        scraper.join();
    }
    EXPECT_EQ(answers, 90);
}

}  // namespace
}  // namespace directfaas::status
