// SPDX-License-Identifier: Apache-2.0
#include "agent/hold/port_proof.h"

#include <unistd.h>

#include <cerrno>

#include "test/unit/hold/fixture.h"
#include "test/unit/hold/listener.h"

namespace directfaas::hold {
namespace {

class PortProofTest : public testing::TestWithParam<std::string> {
   protected:
    model::RouteEndpoint at(const LoopbackPort& port) const {
        return endpoint(GetParam(), port.number(), 3);
    }
    PortProof make(std::size_t max_at_once, milliseconds timeout, std::size_t per_second = 1000) {
        return PortProof(*loop, {milliseconds(1), per_second, timeout, max_at_once},
                         [this](const auto& of, const auto& endpoint) {
                             proven.emplace_back(of, endpoint);
                             if (stopped_by_proof != nullptr) {
                                 stopped_by_proof->stop(of);
                             }
                         });
    }

    const model::RouteKey route{ip("10.96.0.2"), 80, util::Protocol::kTcp};
    const model::RouteKey other_route{ip("10.96.0.3"), 80, util::Protocol::kTcp};
    std::unique_ptr<util::EventLoop> loop = std::move(util::EventLoop::create()).value();
    std::vector<std::pair<model::RouteKey, model::RouteEndpoint>> proven;
    PortProof* stopped_by_proof = nullptr;
};

TEST_P(PortProofTest, TriesUntilThePortIsListenedOn) {
    LoopbackPort port(GetParam());
    auto proof = make(64, milliseconds(1000));
    stopped_by_proof = &proof;
    proof.prove(route, {at(port)});
    ASSERT_TRUE(turn_until(*loop, [&] { return proof.attempts() >= 4; }));
    EXPECT_TRUE(proven.empty());
    EXPECT_NE(proof.failure(route).find("Connection refused"), std::string::npos);

    port.listen();
    ASSERT_TRUE(turn_until(*loop, [&] { return !proven.empty(); }));
    EXPECT_EQ(proven.front(), std::pair(route, at(port)));
    EXPECT_EQ(proof.connecting(), 0U);
    const auto attempts = proof.attempts();
    turn_past(*loop, milliseconds(30));
    EXPECT_EQ(proof.attempts(), attempts) << "a stopped route is still tried";
    EXPECT_EQ(proven.size(), 1U);
}

TEST_P(PortProofTest, ConnectionIsResetAtOnce) {
    LoopbackPort port(GetParam());
    port.listen();
    auto proof = make(64, milliseconds(1000));
    stopped_by_proof = &proof;
    proof.prove(route, {at(port)});
    ASSERT_TRUE(turn_until(*loop, [&] { return !proven.empty(); }));

    const auto accepted = port.accept();
    ASSERT_TRUE(accepted.valid());
    char byte = 0;
    EXPECT_EQ(::read(accepted.get(), &byte, 1), -1);
    EXPECT_EQ(errno, ECONNRESET);
}

TEST_P(PortProofTest, SilentEndpointDoesNotKeepAnotherFromItsTurn) {
    LoopbackPort silent(GetParam());
    silent.fill();
    LoopbackPort good(GetParam());
    good.listen();
    auto proof = make(1, milliseconds(20));
    proof.prove(other_route, {at(silent)});
    EXPECT_EQ(proof.connecting(), 1U);
    proof.prove(route, {at(good)});
    EXPECT_EQ(proof.connecting(), 1U) << "more tries at once than allowed";

    ASSERT_TRUE(turn_until(*loop, [&] { return !proven.empty(); }));
    EXPECT_EQ(proven.front(), std::pair(route, at(good)));
    EXPECT_NE(proof.failure(other_route).find("timed out"), std::string::npos)
        << proof.failure(other_route);
}

TEST_P(PortProofTest, TriesAtOnceAreBounded) {
    std::vector<std::unique_ptr<LoopbackPort>> ports;
    std::vector<model::RouteEndpoint> endpoints;
    for (int i = 0; i < 8; ++i) {
        ports.push_back(std::make_unique<LoopbackPort>(GetParam()));
        ports.back()->fill();
        endpoints.push_back(at(*ports.back()));
    }
    auto proof = make(3, milliseconds(10));
    proof.prove(route, endpoints);
    EXPECT_EQ(proof.connecting(), 3U);
    ASSERT_TRUE(turn_until(*loop, [&] {
        EXPECT_LE(proof.connecting(), 3U);
        return proof.attempts() >= 16;
    }));
}

TEST_P(PortProofTest, ManyEndpointsShareTheTries) {
    LoopbackPort first(GetParam());
    LoopbackPort second(GetParam());
    auto proof = make(64, milliseconds(1000), 1);
    proof.prove(route, {at(first), at(second)});
    ASSERT_TRUE(turn_until(*loop, [&] { return proof.connecting() == 0; }));
    turn_past(*loop, milliseconds(30));  // the next tries are due after two seconds
    EXPECT_EQ(proof.attempts(), 2U);
}

TEST_P(PortProofTest, EndpointsThatLeaveAreTriedNoMore) {
    LoopbackPort gone(GetParam());
    LoopbackPort stays(GetParam());
    auto proof = make(64, milliseconds(1000));
    proof.prove(route, {at(gone), at(stays)});
    ASSERT_TRUE(turn_until(*loop, [&] { return proof.attempts() >= 4; }));
    proof.prove(route, {at(stays)});
    gone.listen();
    const auto attempts = proof.attempts();
    ASSERT_TRUE(turn_until(*loop, [&] { return proof.attempts() >= attempts + 4; }));
    EXPECT_TRUE(proven.empty());
    EXPECT_FALSE(gone.accept().valid());
    stays.listen();
    EXPECT_TRUE(turn_until(*loop, [&] { return !proven.empty(); }));
}

TEST_P(PortProofTest, UnreachableAddressIsAFailureLikeAnyOther) {
    auto proof = make(64, milliseconds(1000));
    proof.prove(route, {endpoint(GetParam() == "::1" ? "ff02::1" : "255.255.255.255", 80, 3)});
    ASSERT_TRUE(turn_until(*loop, [&] { return proof.attempts() >= 3; }));
    EXPECT_NE(proof.failure(route), "");
    EXPECT_TRUE(proven.empty());
    EXPECT_EQ(proof.connecting(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Families, PortProofTest, testing::Values("127.0.0.1", "::1"),
                         [](const auto& test) { return test.param == "::1" ? "v6" : "v4"; });

}  // namespace
}  // namespace directfaas::hold
