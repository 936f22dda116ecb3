// SPDX-License-Identifier: Apache-2.0
// The sweep over hand-made entries of the connection table: what it counts, corrects and removes.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <time.h>

#include <functional>

#include "agent/backend/ebpf/encode.h"
#include "maps/config.h"
#include "test/backend/fixture.h"
#include "test/support/wait.h"

namespace directfaas::backend::ebpf {
namespace {

std::uint64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

/// Both halves of a connection at the caller's veth.
struct Connection {
    df_ct_key call_key{};
    df_ct call{};
    df_ct_key answer_key{};
    df_ct answer{};
};

class SweepTest : public BackendTest {
   protected:
    SweepTest() : ifindex_(add_interface("pod0")) {}

    void load() {
        start();
        rules_ = small_rules();
        rules_.attachments[{"shop", "caller-1"}] = {
            function("caller"), ifindex_, {ip("10.1.0.1")}, true};
        apply(rules_);
        open_.emplace(tables());
        ASSERT_TRUE(open_->allow.for_each(
            [&](const df_allow_key&, const df_allow& found) { edge_ = found; }));
        ASSERT_TRUE(open_->ep.for_each([&](std::uint32_t id, const df_ep& found) {
            if (found.state == DF_EP_READY) {
                endpoint_id_ = id;
                endpoint_gen_ = found.gen;
            }
        }));
    }

    /// An open connection of the caller's port `port`, last seen `idle` ago.
    Connection connection(std::uint16_t port, std::uint64_t idle = 0,
                          std::uint8_t protocol = IPPROTO_TCP) {
        Connection made;
        made.call_key.saddr = encode(ip("10.1.0.1"));
        made.call_key.daddr = encode(ip("10.96.0.1"));
        made.call_key.sport = encode_port(port);
        made.call_key.dport = encode_port(80);
        made.call_key.ifindex = ifindex_;
        made.call_key.proto = protocol;
        made.call_key.dir = DF_CT_FROM_POD;
        made.call.nat_addr = encode(ip("10.1.0.2"));
        made.call.nat_port = encode_port(8080);
        made.call.alt_port = encode_port(port);
        made.call.role = DF_CT_CALL;
        made.call.flags = DF_CT_NAT | DF_CT_COUNTED;
        made.call.tcp = DF_TCP_SYN | DF_TCP_ESTABLISHED;
        made.call.edge = edge_.edge;
        made.call.edge_gen = edge_.gen;
        made.call.ep = endpoint_id_;
        made.call.ep_gen = endpoint_gen_;
        made.call.seen = now_ns() - idle;
        made.answer = made.call;
        made.answer.role = DF_CT_ANSWER;
        made.answer.nat_addr = made.call_key.daddr;
        made.answer.nat_port = made.call_key.dport;
        made.answer_key = made.call_key;
        made.answer_key.saddr = made.call.nat_addr;
        made.answer_key.sport = made.call.nat_port;
        made.answer_key.daddr = made.call_key.saddr;
        made.answer_key.dport = made.call.alt_port;
        made.answer_key.dir = DF_CT_TO_POD;
        return made;
    }
    void insert(const Connection& made) {
        ASSERT_TRUE(open_->ct.put(made.call_key, made.call));
        ASSERT_TRUE(open_->ct.put(made.answer_key, made.answer));
    }
    [[nodiscard]] bool there(const Connection& made) const {
        const bool call = open_->ct.get(made.call_key).value().has_value();
        EXPECT_EQ(call, open_->ct.get(made.answer_key).value().has_value()) << "half is left";
        return call;
    }

    void add_open(std::int64_t change) {
        const auto before = open_->ep_open.get(endpoint_id_).value().value();
        ASSERT_TRUE(open_->ep_open.put(endpoint_id_, before + static_cast<std::uint64_t>(change)));
    }

    [[nodiscard]] Counters counters() { return backend().counters().value(); }
    std::uint64_t open_on_edge() { return counters().edges.begin()->second.open; }
    /// Sweeps until `condition` holds, or for long enough to be sure that it never will.
    template <typename Condition>
    bool sweep_until(Condition condition) {
        return support::wait_until([&] {
            EXPECT_TRUE(backend().sweep());
            return condition();
        });
    }

    /// Sweeps until a pass, the first or the second from now, has found one connection more.
    /// `meanwhile` runs before each step.
    void see_a_pass(const std::function<void()>& meanwhile = [] {}) {
        auto marker = connection(++markers_);
        marker.call.role = DF_CT_SERVE;
        marker.call.ep = 0;
        ASSERT_TRUE(open_->ct.put(marker.call_key, marker.call));
        const auto before = open_on_edge();
        ASSERT_TRUE(sweep_until([&] {
            meanwhile();
            return open_on_edge() > before;
        }));
    }

    unsigned ifindex_;
    std::uint16_t markers_ = 100;
    model::RuleSet rules_;
    std::optional<Tables> open_;
    df_allow edge_{};
    std::uint32_t endpoint_id_ = 0;
    std::uint32_t endpoint_gen_ = 0;
};

TEST_F(SweepTest, OpenIsWhatTheTableSays) {
    inside([&] {
        load();
        EXPECT_EQ(open_on_edge(), 0U);
        for (std::uint16_t port = 1; port <= 30; ++port) {
            insert(connection(port));
        }
        auto closed = connection(31);
        closed.call.closed = closed.answer.closed = 1;
        insert(closed);
        auto uncounted = connection(32);
        uncounted.call.flags = uncounted.answer.flags = DF_CT_NAT;
        insert(uncounted);
        auto of_old_edge = connection(33);
        of_old_edge.call.edge_gen = edge_.gen - 1;
        insert(of_old_edge);
        ASSERT_TRUE(sweep_until([&] { return open_on_edge() != 0; }));
        EXPECT_EQ(open_on_edge(), 30U);
        for (std::uint16_t port = 1; port <= 30; ++port) {
            const auto gone = connection(port);
            ASSERT_TRUE(open_->ct.erase(gone.call_key).value());
            ASSERT_TRUE(open_->ct.erase(gone.answer_key).value());
        }
        EXPECT_TRUE(sweep_until([&] { return open_on_edge() == 0; }));
    });
}

TEST_F(SweepTest, ConnectionsFromOutsideAreCountedAtTheCallee) {
    inside([&] {
        load();
        auto served = connection(1);
        served.call.role = DF_CT_SERVE;
        served.call.ep = 0;
        ASSERT_TRUE(open_->ct.put(served.call_key, served.call));
        EXPECT_TRUE(sweep_until([&] { return open_on_edge() == 1; }));
    });
}

TEST_F(SweepTest, TheProgramsCountsAreCorrected) {
    inside([&] {
        load();
        insert(connection(1));
        insert(connection(2));
        const std::uint32_t live_key = ifindex_ << 1 | DF_CT_FROM_POD;
        ASSERT_TRUE(open_->budget.put(live_key, {17, 4, 900}));
        for (const std::int64_t wrong : {700, -3, 0}) {
            ASSERT_TRUE(open_->ep_open.put(endpoint_id_, static_cast<std::uint64_t>(wrong)));
            EXPECT_TRUE(sweep_until([&] { return open_->ep_open.get(endpoint_id_).value() == 2U; }))
                << "from " << wrong;
        }
        EXPECT_EQ(counters().open_by_instance.at(ip("10.1.0.2")), 2U);
        const auto budget = open_->budget.get(live_key).value();
        ASSERT_TRUE(budget);
        EXPECT_EQ(budget->live, 2U);
        EXPECT_EQ(budget->tokens, 4U);
        EXPECT_EQ(budget->refilled, 17U);
    });
}

/// A call that is there when the pass comes by, and neither before nor after it, is in no count.
TEST_F(SweepTest, CallsThatComeAndGoCorrectNothing) {
    inside([&] {
        load();
        insert(connection(1));
        ASSERT_TRUE(open_->ep_open.put(endpoint_id_, 1));
        for (int pass = 1; pass <= 6; ++pass) {
            see_a_pass([&] {
                auto brief = connection(2);
                brief.call.created = brief.answer.created = now_ns();
                insert(brief);
            });
        }
        EXPECT_EQ(open_->ep_open.get(endpoint_id_).value(), 1U);
    });
}

/// Calls that a pass misses because they open behind it are in the count all the same.
TEST_F(SweepTest, OnePassIsNoReasonToCorrect) {
    inside([&] {
        load();
        insert(connection(1));
        ASSERT_TRUE(open_->ep_open.put(endpoint_id_, 1));
        for (int turn = 1; turn <= 4; ++turn) {
            add_open(3);
            see_a_pass();
            add_open(-3);
            EXPECT_EQ(open_->ep_open.get(endpoint_id_).value(), 1U) << "turn " << turn;
            see_a_pass();
        }
    });
}

TEST_F(SweepTest, IdleConnectionsGoAndOthersStay) {
    inside([&] {
        load();
        auto half_open = connection(1, DF_IDLE_SYN_NS + 1'000'000'000);
        half_open.call.tcp = half_open.answer.tcp = DF_TCP_SYN;
        auto fresh_half_open = connection(2);
        fresh_half_open.call.tcp = fresh_half_open.answer.tcp = DF_TCP_SYN;
        auto reset = connection(3, DF_IDLE_RST_NS + 1'000'000'000);
        reset.call.tcp |= DF_TCP_RST;
        auto closed = connection(4, DF_IDLE_FIN_NS + 1'000'000'000);
        closed.call.tcp |= DF_TCP_FIN;
        closed.answer.tcp |= DF_TCP_FIN;
        auto half_closed = connection(5, DF_IDLE_FIN_NS + 1'000'000'000);
        half_closed.call.tcp |= DF_TCP_FIN;
        const auto established = connection(6, DF_IDLE_FIN_NS + 1'000'000'000);
        const auto datagrams = connection(7, DF_IDLE_UDP_NS + 1'000'000'000, IPPROTO_UDP);
        // One direction is silent, the other is not: a stream of answers.
        auto one_way = connection(8, DF_IDLE_UDP_NS + 1'000'000'000, IPPROTO_UDP);
        one_way.answer.seen = now_ns();
        for (const auto& each : {half_open, fresh_half_open, reset, closed, half_closed,
                                 established, datagrams, one_way}) {
            insert(each);
        }
        EXPECT_TRUE(sweep_until([&] {
            return !there(half_open) && !there(reset) && !there(closed) && !there(datagrams);
        }));
        EXPECT_TRUE(there(fresh_half_open));
        EXPECT_TRUE(there(half_closed));
        EXPECT_TRUE(there(established));
        EXPECT_TRUE(there(one_way));
    });
}

/// Many more than one run of the program takes, and than one call walks.
TEST_F(SweepTest, ManyIdleConnectionsGo) {
    options().max_connections = 262144;
    inside([&] {
        load();
        constexpr std::uint32_t kCount = 50000;
        std::vector<df_ct_key> keys;
        std::vector<df_ct> values;
        for (std::uint32_t i = 0; i < kCount; ++i) {
            auto made = connection(static_cast<std::uint16_t>(i % 60000 + 1),
                                   DF_IDLE_RST_NS + 1'000'000'000);
            made.call.tcp |= DF_TCP_RST;
            keys.push_back(made.call_key);
            values.push_back(made.call);
            keys.push_back(made.answer_key);
            values.push_back(made.answer);
        }
        ASSERT_TRUE(open_->ct.put(keys, values));
        const auto usage = [&](const Counters& read) {
            return std::ranges::find(read.tables, "ct", &TableUsage::name)->entries;
        };
        EXPECT_TRUE(sweep_until([&] {
            df_ct_key first{};
            return !open_->ct.get(keys.front()).value() && usage(counters()) == 0 &&
                   (first = keys.back(), !open_->ct.get(first).value());
        }));
    });
}

TEST_F(SweepTest, AFullTableHurriesWhatIsOver) {
    options().max_connections = 1024;
    inside([&] {
        load();
        // Closed for a while, though not for as long as they are kept in quiet times.
        const std::uint64_t idle = DF_IDLE_FIN_NS / 4;
        std::vector<Connection> closed;
        for (std::uint16_t port = 1; port <= 200; ++port) {
            closed.push_back(connection(port, idle));
            closed.back().call.tcp |= DF_TCP_FIN;
            closed.back().answer.tcp |= DF_TCP_FIN;
            insert(closed.back());
        }
        std::vector<Connection> established;
        for (std::uint16_t port = 1001; port <= 1100; ++port) {
            established.push_back(connection(port, idle));
            insert(established.back());
        }
        EXPECT_TRUE(sweep_until([&] { return !there(closed.front()) && !there(closed.back()); }));
        for (const auto& each : established) {
            EXPECT_TRUE(there(each));
        }
    });
}

TEST_F(SweepTest, EntriesOfDetachedInterfacesGo) {
    inside([&] {
        load();
        auto strange = connection(1);
        strange.call_key.ifindex = strange.answer_key.ifindex = ifindex_ + 99;
        insert(strange);
        const auto mine = connection(2);
        insert(mine);
        EXPECT_TRUE(sweep_until([&] { return !there(strange); }));
        EXPECT_TRUE(there(mine));
    });
}

}  // namespace
}  // namespace directfaas::backend::ebpf
