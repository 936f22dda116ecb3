// SPDX-License-Identifier: Apache-2.0
// Two candidates, one Lease, a clock that the test moves.
#include "lib/kube/election.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "lib/kube/httplib_transport.h"
#include "test/unit/kube/fake_apiserver.h"

namespace directfaas::kube {
namespace {

using testing::HasSubstr;

/// Holds one Lease; a write with an old version is a conflict.
class LeaseServer {
   public:
    void answer(const FakeRequest& request, FakeAnswer& out) {
        const std::scoped_lock lock(mutex_);
        ++requests_;
        if (failing_) {
            out.whole(500, "broken");
            return;
        }
        if (request.method == "GET") {
            lease_ ? out.whole(200, lease_->dump()) : out.whole(404, "none");
            return;
        }
        auto written = nlohmann::json::parse(request.body);
        const bool create = request.method == "POST";
        const bool stale = !create && (!lease_ || (*lease_)["metadata"]["resourceVersion"] !=
                                                      written["metadata"]["resourceVersion"]);
        if (stale || (create && lease_)) {
            out.whole(409, "conflict");
            return;
        }
        put(std::move(written));
        out.whole(create ? 201 : 200, lease_->dump());
    }
    void put(nlohmann::json lease) {
        lease["metadata"]["resourceVersion"] = std::to_string(++version_);
        lease_ = std::move(lease);
    }
    template <typename Function>
    auto with(Function function) {
        const std::scoped_lock lock(mutex_);
        return function(*this);
    }
    [[nodiscard]] nlohmann::json spec() const { return (*lease_)["spec"]; }

    std::optional<nlohmann::json> lease_;
    bool failing_ = false;
    int requests_ = 0;

   private:
    std::mutex mutex_;
    int version_ = 0;
};

class ElectionTest : public testing::Test {
   protected:
    struct Candidate {
        Candidate(const ClusterAccess& access, const std::string& name, Election::Now now)
            : client(transports_to(access)()),
              election(client, {.ns = "directfaas-system", .name = "controller", .identity = name},
                       std::move(now)) {}
        Client client;
        Election election;
    };
    std::unique_ptr<Candidate> candidate(const std::string& name) {
        return std::make_unique<Candidate>(server_.access(), name, [this] { return now_; });
    }
    nlohmann::json spec() {
        return leases_.with([](auto& server) { return server.spec(); });
    }

    LeaseServer leases_;
    FakeApiserver server_{[this](const FakeRequest& request, FakeAnswer& out) {
        EXPECT_THAT(request.path,
                    HasSubstr("/apis/coordination.k8s.io/v1/namespaces/directfaas-system/leases"));
        leases_.answer(request, out);
    }};
    Election::Clock::time_point now_{std::chrono::hours{1}};
    std::unique_ptr<Candidate> a_ = candidate("a");
    std::unique_ptr<Candidate> b_ = candidate("b");
};

TEST_F(ElectionTest, TheFirstLeadsAndTheOtherWaits) {
    a_->election.step();
    b_->election.step();
    EXPECT_TRUE(a_->election.leading());
    EXPECT_FALSE(b_->election.leading());
    EXPECT_EQ(b_->election.holder(), "a");
    EXPECT_EQ(spec()["leaseDurationSeconds"], 15);
    EXPECT_EQ(spec()["leaseTransitions"], 0);
    EXPECT_THAT(spec()["renewTime"].get<std::string>(),
                testing::MatchesRegex("20[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+\\.[0-9]{6}Z"));
}

TEST_F(ElectionTest, ALeaderThatRenewsStays) {
    for (int i = 0; i < 20; ++i) {
        a_->election.step();
        b_->election.step();
        EXPECT_TRUE(a_->election.leading());
        EXPECT_FALSE(b_->election.leading());
        now_ += std::chrono::seconds{2};
    }
}

TEST_F(ElectionTest, RenewingTakesOneRequest) {
    a_->election.step();
    const auto before = leases_.with([](auto& server) { return server.requests_; });
    a_->election.step();
    EXPECT_EQ(leases_.with([](auto& server) { return server.requests_; }), before + 1);
}

TEST_F(ElectionTest, ASilentLeaderIsReplacedWhenItsLeaseHasRunOut) {
    a_->election.step();
    b_->election.step();
    now_ += std::chrono::milliseconds{14999};
    b_->election.step();
    EXPECT_FALSE(b_->election.leading());
    now_ += std::chrono::milliseconds{1};
    b_->election.step();
    EXPECT_TRUE(b_->election.leading());
    EXPECT_EQ(spec()["leaseTransitions"], 1);
    a_->election.step();
    EXPECT_FALSE(a_->election.leading());
    EXPECT_EQ(a_->election.holder(), "b");
}

TEST_F(ElectionTest, WhatCountsIsTheOwnClockNotTheTimesInTheLease) {
    a_->election.step();
    leases_.with([](auto& server) {
        auto lease = *server.lease_;
        lease["spec"]["renewTime"] = "1999-01-01T00:00:00.000000Z";
        server.put(lease);
        return 0;
    });
    b_->election.step();
    EXPECT_FALSE(b_->election.leading()) << "b has not yet seen 15 s pass without a change";
}

TEST_F(ElectionTest, ALeaderThatCannotRenewIsNoneBeforeAnybodyElseCanBe) {
    a_->election.step();
    b_->election.step();
    leases_.with([](auto& server) { return server.failing_ = true; });
    now_ += std::chrono::seconds{9};
    a_->election.step();
    EXPECT_TRUE(a_->election.leading());
    EXPECT_THAT(a_->election.trouble(), HasSubstr("500"));
    now_ += std::chrono::seconds{1};
    EXPECT_FALSE(a_->election.leading());
    b_->election.step();
    EXPECT_FALSE(b_->election.leading());

    leases_.with([](auto& server) { return server.failing_ = false; });
    a_->election.step();
    EXPECT_TRUE(a_->election.leading()) << "the Lease is still its own";
}

TEST_F(ElectionTest, ALeaseThatIsGivenBackIsFreeAtOnce) {
    a_->election.step();
    b_->election.step();
    a_->election.resign();
    EXPECT_FALSE(a_->election.leading());
    EXPECT_EQ(spec()["holderIdentity"], "");
    b_->election.step();
    EXPECT_TRUE(b_->election.leading());
    EXPECT_FALSE(a_->election.leading());
}

TEST_F(ElectionTest, OfTwoWhoTakeItTogetherOneLeads) {
    a_->election.step();
    b_->election.step();
    auto c = candidate("c");
    c->election.step();
    now_ += std::chrono::seconds{15};
    b_->election.step();
    c->election.step();
    EXPECT_TRUE(b_->election.leading());
    EXPECT_FALSE(c->election.leading());
}

TEST_F(ElectionTest, ALeaseTakenByForceEndsTheLeadAtTheNextStep) {
    a_->election.step();
    leases_.with([](auto& server) {
        auto lease = *server.lease_;
        lease["spec"]["holderIdentity"] = "somebody";
        server.put(lease);
        return 0;
    });
    a_->election.step();
    EXPECT_FALSE(a_->election.leading());
    EXPECT_EQ(a_->election.holder(), "somebody");
}

TEST_F(ElectionTest, ADeletedLeaseIsMadeAnew) {
    a_->election.step();
    leases_.with([](auto& server) {
        server.lease_.reset();
        return 0;
    });
    a_->election.step();
    a_->election.step();
    EXPECT_TRUE(a_->election.leading());
    EXPECT_EQ(spec()["holderIdentity"], "a");
}

}  // namespace
}  // namespace directfaas::kube
