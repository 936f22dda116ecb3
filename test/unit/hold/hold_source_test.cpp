// SPDX-License-Identifier: Apache-2.0
// Calls from a source that nobody knows yet.
#include "test/unit/hold/fixture.h"

namespace directfaas::hold {
namespace {

using Strings = std::vector<std::string>;

class HoldSourceTest : public HoldFixture {
   protected:
    HeldPacket from(const std::string& source, std::uint16_t port) const {
        auto out = syn(port);
        out.kind = HeldPacket::Kind::kUnknownSource;
        out.from = {};
        out.flow.source = ip(source);
        return out;
    }
};

TEST_F(HoldSourceTest, SentOnAsSoonAsItIsKnown) {
    auto options = patient();
    options.source_wait = std::chrono::minutes(10);
    start(options);
    queue->take(from("10.1.0.5", 1));
    queue->take(from("10.1.0.6", 2));
    queue->take(from("10.1.0.5", 3));
    EXPECT_EQ(queue->counters().sources_held_now, 3U);
    EXPECT_TRUE(activator.asked.empty());

    change([&](auto& delta) { delta.addresses = {{ip("10.1.0.5"), function("new")}}; });
    EXPECT_EQ(sent(), (Strings{"judge 1", "judge 3"}));
    EXPECT_EQ(queue->counters().source_resolved, 2U);
    EXPECT_EQ(queue->counters().replayed, 0U);
    EXPECT_EQ(queue->counters().sources_held_now, 1U);

    queue->take(from("10.1.0.5", 4));  // was under way when the source became known
    EXPECT_EQ(sent().back(), "judge 4");
}

TEST_F(HoldSourceTest, DeniedWhenItStaysUnknown) {
    start({.source_wait = milliseconds(20)});
    queue->take(from("10.1.0.5", 1));
    ASSERT_TRUE(sent_at_least(1));
    EXPECT_EQ(sent(), Strings{"refuse 1"});
    EXPECT_EQ(queue->counters().source_denied, 1U);
    EXPECT_EQ(queue->counters().expired, 0U);
}

TEST_F(HoldSourceTest, HasLimitsOfItsOwn) {
    add_route(kRoute, kCallee);
    auto options = patient();
    options.source_wait = std::chrono::minutes(10);
    options.max_sources = 2;
    options.max_source_bytes = 2;
    start(options);
    for (const std::uint16_t port : {1, 2, 3}) {
        queue->take(from("10.1.0.5", port));
    }
    queue->take(syn(4));
    EXPECT_EQ(sent(), Strings{"refuse 3"});
    EXPECT_EQ(queue->counters().source_overflowed, 1U);
    EXPECT_EQ(queue->counters().held, 1U) << "unknown sources took the place of a held call";
}

TEST_F(HoldSourceTest, ThatIsForgottenAgainWaitsAgain) {
    auto options = patient();
    options.source_wait = std::chrono::minutes(10);
    start(options);
    change([&](auto& delta) { delta.addresses = {{ip("10.1.0.5"), function("new")}}; });
    change([&](auto& delta) { delta.addresses_removed = {ip("10.1.0.5")}; });
    queue->take(from("10.1.0.5", 1));
    EXPECT_EQ(sent(), Strings{});
    change([&](auto& delta) { delta.addresses = {{ip("10.1.0.5"), function("new")}}; });
    EXPECT_EQ(sent(), Strings{"judge 1"});
}

}  // namespace
}  // namespace directfaas::hold
