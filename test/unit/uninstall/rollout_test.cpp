// SPDX-License-Identifier: Apache-2.0
// A node counts as clean only when its new pod is ready.
#include "uninstall/rollout.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <deque>
#include <mutex>

#include "lib/kube/httplib_transport.h"
#include "test/unit/kube/fake_apiserver.h"

namespace directfaas::uninstall {
namespace {

using kube::FakeAnswer;
using kube::FakeRequest;
using testing::HasSubstr;

struct Numbers {
    int generation = 2;
    int observed = 2;
    int wanted = 3;
    int updated = 3;
    int ready = 3;
};

std::string daemonset(const Numbers& of) {
    return fmt::format(
        R"({{"kind":"DaemonSet","metadata":{{"generation":{}}},"status":{{"observedGeneration":{},)"
        R"("desiredNumberScheduled":{},"updatedNumberScheduled":{},"numberReady":{}}}}})",
        of.generation, of.observed, of.wanted, of.updated, of.ready);
}

TEST(Progress, CompleteIsNewestAndReadyOnEveryNode) {
    EXPECT_TRUE(progress_of(daemonset({})).value().complete());
    EXPECT_FALSE(progress_of(daemonset({.observed = 1})).value().complete());
    EXPECT_FALSE(progress_of(daemonset({.updated = 2})).value().complete());
    EXPECT_FALSE(progress_of(daemonset({.ready = 2})).value().complete());
    // No node at all: nothing to clean.
    EXPECT_TRUE(progress_of(daemonset({.wanted = 0, .updated = 0, .ready = 0})).value().complete());
}

TEST(Progress, OldPodsThatAreReadyAreNotClean) {
    EXPECT_EQ(progress_of(daemonset({.updated = 1, .ready = 2})).value().clean(), 0);
    EXPECT_EQ(progress_of(daemonset({.updated = 3, .ready = 2})).value().clean(), 2);
    EXPECT_EQ(progress_of(daemonset({.observed = 1})).value().clean(), 0);
}

TEST(Progress, AnythingElseIsRefused) {
    EXPECT_FALSE(progress_of("{}"));
    EXPECT_FALSE(progress_of("no JSON"));
    EXPECT_FALSE(progress_of(R"({"kind":"Deployment"})"));
    EXPECT_FALSE(progress_of(R"({"kind":"DaemonSet"})").value().wanted);
}

/// A server that tells of the DaemonSet what is next in `looks`; the last for ever.
class RollOut : public testing::Test {
   protected:
    void answer(const FakeRequest& request, FakeAnswer& out) {
        const std::scoped_lock lock(mutex_);
        requests_.push_back(request);
        if (request.method == "PATCH") {
            out.whole(patch_status_, daemonset({.observed = 1}));
            return;
        }
        const auto next = looks_.front();
        if (looks_.size() > 1) {
            looks_.pop_front();
        }
        out.whole(next.empty() ? 500 : 200, next);
    }
    util::Result<void> roll_out(std::chrono::milliseconds timeout = std::chrono::seconds{20}) {
        kube::Client client(kube::transports_to(server_.access())());
        return uninstall::roll_out(client, "df", "agents", R"({"spec":1})",
                                   {.timeout = timeout, .period = std::chrono::milliseconds{1}});
    }

    std::mutex mutex_;
    std::deque<std::string> looks_;
    std::vector<FakeRequest> requests_;
    int patch_status_ = 200;
    kube::FakeApiserver server_{
        [this](const FakeRequest& request, FakeAnswer& out) { answer(request, out); }};
};

TEST_F(RollOut, WaitsForEveryNodeAndOutlastsAServerInTrouble) {
    looks_ = {daemonset({.observed = 1}), "", daemonset({.updated = 1, .ready = 2}),
              daemonset({.ready = 2}), daemonset({})};
    EXPECT_TRUE(roll_out());
    ASSERT_EQ(requests_.size(), 6U);
    EXPECT_EQ(requests_[0].method, "PATCH");
    EXPECT_EQ(requests_[0].path, "/apis/apps/v1/namespaces/df/daemonsets/agents");
    EXPECT_EQ(requests_[0].body, R"({"spec":1})");
}

TEST_F(RollOut, SaysHowFarItCame) {
    looks_ = {daemonset({.ready = 2})};
    const auto done = roll_out(std::chrono::milliseconds{50});
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().text(), HasSubstr("2 of 3 nodes are clean"));
}

TEST_F(RollOut, ARefusedPatchFailsAtOnce) {
    patch_status_ = 403;
    EXPECT_FALSE(roll_out());
    EXPECT_EQ(requests_.size(), 1U);
}

}  // namespace
}  // namespace directfaas::uninstall
