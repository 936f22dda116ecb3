// SPDX-License-Identifier: Apache-2.0
// What arrives on the event loop, and that whatever an apiserver does, it is in the end what the
// apiserver has.
#include "lib/kube/informer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>

#include "lib/kube/httplib_transport.h"
#include "test/support/wait.h"
#include "test/unit/kube/faulty_apiserver.h"
#include "test/unit/kube/script.h"

namespace directfaas::kube {
namespace {

using support::wait_until;
using testing::ElementsAre;

/// "uid/version" of each object, kept in a store, and what was told of it.
class InformerTest : public testing::Test {
   protected:
    using Text = std::string;

    void start(const ClusterAccess& access) {
        informer_ = std::make_unique<Informer<Text>>(
            *loop_, transports_to(access)(), Resource{.path = "/api/v1/pods"}, quick(),
            [](const RawObject& raw) {
                return fmt::format("{}/{}", raw.uid, raw.resource_version);
            },
            [this](std::vector<Change<Text>> changes) { take(std::move(changes)); });
    }
    void take(std::vector<Change<Text>> changes) {
        EXPECT_TRUE(informer_->synced());
        std::vector<std::string> words;
        for (const auto& change : changes) {
            words.push_back(fmt::format("{}:{}{}", change.key.name, change.object.value_or("gone"),
                                        change.recreated ? "!" : ""));
        }
        told_.push_back(fmt::format("{}", fmt::join(words, " ")));
        store_.apply(std::move(changes));
    }
    [[nodiscard]] std::map<std::string, std::string> stored() const {
        std::map<std::string, std::string> all;
        for (const auto& [key, value] : store_.objects()) {
            all[key.name] = value;
        }
        return all;
    }
    bool run_until(const std::function<bool()>& condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
        while (!condition()) {
            if (std::chrono::steady_clock::now() > deadline) {
                return false;
            }
            EXPECT_TRUE(loop_->run_once(std::chrono::milliseconds{5}));
        }
        return true;
    }

    Script script_;
    FakeApiserver server_{[this](const FakeRequest& request, FakeAnswer& answer) {
        script_.answer(request, answer);
    }};
    std::unique_ptr<util::EventLoop> loop_ = std::move(*util::EventLoop::create());
    std::vector<std::string> told_;
    Store<Text> store_;
    std::unique_ptr<Informer<Text>> informer_;
};

TEST_F(InformerTest, IsSyncedByAnEmptyList) {
    script_.on_list([](const FakeRequest&, FakeAnswer& answer) { answer.whole(503, "not yet"); });
    start(server_.access());
    EXPECT_FALSE(informer_->synced());
    EXPECT_TRUE(run_until([&] { return informer_->synced(); }));
    EXPECT_THAT(told_, ElementsAre(""));
}

TEST_F(InformerTest, TellsOnlyWhatDiffers) {
    script_.on_list(5, {object("a", 1), object("b", 2), object("c", 3)});
    script_.on_watch(lines_then_end({event("ERROR", status(410, "Expired"))}));
    script_.on_list(9, {object("a", 1), object("b", 8), object("d", 9)});
    script_.on_watch(
        lines_then_silence({event("ADDED", object("a", 1)), event("DELETED", object("x", 10)),
                            event("MODIFIED", object("a", 11))}));
    start(server_.access());
    EXPECT_TRUE(run_until([&] { return stored()["a"] == "u/11"; }));
    EXPECT_EQ(fmt::format("{}", fmt::join(told_, " ")),
              "a:u/1 b:u/2 c:u/3 b:u/8 c:gone d:u/9 a:u/11");
}

TEST_F(InformerTest, AnObjectOfTheSameNameIsRecreated) {
    script_.on_list(5, {object("a", 1, "one")});
    script_.on_watch(lines_then_end({event("ERROR", status(410, "Expired"))}));
    script_.on_list(9, {object("a", 9, "two")});
    start(server_.access());
    EXPECT_TRUE(run_until([&] { return stored()["a"] == "two/9"; }));
    EXPECT_THAT(told_, ElementsAre("a:one/1", "a:two/9!"));
}

TEST_F(InformerTest, DeletedAndCreatedBeforeTheLoopLooks) {
    script_.on_list(5, {object("a", 1, "one")});
    script_.on_watch(lines_then_silence(
        {event("DELETED", object("a", 6, "one")), event("ADDED", object("a", 7, "two"))}));
    start(server_.access());
    EXPECT_TRUE(wait_until([&] { return informer_->status().events == 2; }));
    EXPECT_TRUE(run_until([&] { return stored()["a"] == "two/7"; }));
    EXPECT_THAT(told_, ElementsAre("a:two/7!"));
}

TEST_F(InformerTest, NothingArrivesAfterItsEnd) {
    script_.on_list(5, {object("a", 1)});
    start(server_.access());
    EXPECT_TRUE(wait_until([&] { return informer_->status().listed; }));
    informer_.reset();
    EXPECT_TRUE(loop_->run_once(std::chrono::milliseconds{0}));
    EXPECT_TRUE(told_.empty());
}

class AnyScript : public InformerTest, public testing::WithParamInterface<int> {};

TEST_P(AnyScript, TheStoreBecomesWhatTheServerHas) {
    constexpr int kSteps = 60;
    FaultyApiserver server(static_cast<std::uint64_t>(GetParam()));
    for (int i = 0; i < 5; ++i) {
        server.step();
    }
    start(server.access());
    for (int i = 0; i < kSteps; ++i) {
        server.step();
        EXPECT_TRUE(loop_->run_once(std::chrono::milliseconds{i % 3 == 0 ? 3 : 0}));
    }
    server.calm_down();
    server.step();  // wakes watches that wait
    EXPECT_TRUE(run_until([&] { return stored() == server.state(); }))
        << "stored " << fmt::format("{}", stored()) << ", the server has "
        << fmt::format("{}", server.state());
    informer_.reset();
    EXPECT_FALSE(server.faults().empty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, AnyScript, testing::Range(1, 41));

}  // namespace
}  // namespace directfaas::kube
