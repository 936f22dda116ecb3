// SPDX-License-Identifier: Apache-2.0
// Counters: everybody has some at once, CPUs add up, nobody inherits those of another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "agent/backend/ebpf/encode.h"
#include "maps/verdicts.h"
#include "test/backend/fixture.h"

namespace directfaas::backend::ebpf {
namespace {

class CountersTest : public BackendTest {
   protected:
    Counters read() {
        auto counters = backend().counters();
        if (!counters) {
            throw support::SupportError(counters.error().text());
        }
        return std::move(*counters);
    }
    /// Writes `per_cpu(cpu)` for every CPU.
    template <typename Value, typename Map, typename Key, typename PerCpu>
    static void write(const Map& map, const Key& key, PerCpu per_cpu) {
        std::vector<Value> values;
        for (std::uint32_t cpu = 0; cpu < possible_cpus(); ++cpu) {
            values.push_back(per_cpu(cpu));
        }
        ASSERT_TRUE(map.raw().put(&key, values.data(), Put::kAny));
    }
    std::uint32_t edge_id() {
        std::uint32_t id = 0;
        EXPECT_TRUE(tables().allow.for_each(
            [&](const df_allow_key&, const df_allow& found) { id = found.edge; }));
        return id;
    }
    std::uint32_t fn_id(const std::string& address) {
        return tables().ip_id.get(encode(ip(address))).value()->fn;
    }
};

TEST_F(CountersTest, EverybodyHasZerosAtOnce) {
    inside([&] {
        start();
        auto rules = small_rules();
        rules.identities[entry("gateway")] = {};
        rules.allowed.insert({entry("gateway"), function("callee")});
        rules.allowed.insert({model::Identity{}, function("callee")});
        apply(rules);
        const auto counters = read();
        ASSERT_EQ(counters.edges.size(), 3U);
        for (const auto& key : rules.allowed) {
            ASSERT_TRUE(counters.edges.contains(key));
            EXPECT_EQ(counters.edges.at(key).opened, 0U);
            EXPECT_EQ(counters.edges.at(key).handshake_log2_us.size(),
                      static_cast<std::size_t>(DF_HANDSHAKE_BUCKETS));
        }
        ASSERT_EQ(counters.functions.size(), 2U);  // entries are not called
        EXPECT_TRUE(counters.functions.contains(function("caller")));
        EXPECT_EQ(counters.drops.size(), std::size_t{DF_REASON_MAX} * DF_HOOK_MAX);
        EXPECT_TRUE(counters.denied.empty());
    });
}

/// Counters of every kind, each with its own value on each CPU.
class CpusTest : public CountersTest {
   protected:
    void write_all() {
        const auto open = tables();
        write<df_edge_stats>(open.edge_stats, edge_id(), [](std::uint32_t cpu) {
            df_edge_stats stats{};
            stats.opened = 10 + cpu;
            stats.closed_caller = 20 + cpu;
            stats.closed_callee = 30 + cpu;
            stats.reset = 40 + cpu;
            stats.bytes_request = 50 + cpu;
            stats.bytes_reply = 60 + cpu;
            stats.handshake_sum_ns = 70 + cpu;
            stats.handshake[3] = 80 + cpu;
            return stats;
        });
        write<df_fn_stats>(open.fn_stats, fn_id("10.1.0.2"), [](std::uint32_t cpu) {
            return df_fn_stats{1 + cpu, 2 + cpu, 3 + cpu, 4 + cpu, 5 + cpu, 6 + cpu};
        });
        const std::uint32_t drop =
            std::uint32_t{DF_REASON_SPOOFED} * DF_HOOK_MAX + DF_HOOK_FROM_POD;
        write<df_drop>(open.drops, drop,
                       [](std::uint32_t cpu) { return df_drop{7 + cpu, 100 + cpu}; });
        const df_denied_key pair{fn_id("10.1.0.2"), fn_id("10.1.0.1"), DF_REASON_NO_EDGE};
        write<std::uint64_t>(open.denied, pair,
                             [](std::uint32_t cpu) { return std::uint64_t{9} + cpu; });
        write<std::uint64_t>(open.ring_lost, std::uint32_t{DF_RING_HELD},
                             [](std::uint32_t cpu) { return std::uint64_t{3} + cpu; });
    }
    /// What a counter shows that is `first` on CPU 0, one more on CPU 1, and so on.
    static std::uint64_t sum_from(std::uint64_t first) {
        const std::uint64_t cpus = possible_cpus();
        return first * cpus + cpus * (cpus - 1) / 2;
    }
    void check_flows(const Counters& counters) {
        const auto& edge = counters.edges.at({function("caller"), function("callee")});
        EXPECT_EQ(edge.opened, sum_from(10));
        EXPECT_EQ(edge.closed_by_caller, sum_from(20));
        EXPECT_EQ(edge.closed_by_callee, sum_from(30));
        EXPECT_EQ(edge.reset, sum_from(40));
        EXPECT_EQ(edge.bytes_request, sum_from(50));
        EXPECT_EQ(edge.bytes_reply, sum_from(60));
        EXPECT_EQ(edge.handshake_sum_ns, sum_from(70));
        EXPECT_EQ(edge.handshake_log2_us.at(3), sum_from(80));
        const auto& callee = counters.functions.at(function("callee"));
        EXPECT_EQ(callee.opened, sum_from(1));
        EXPECT_EQ(callee.zero_syn, sum_from(2));
        EXPECT_EQ(callee.held, sum_from(3));
        EXPECT_EQ(callee.denied, sum_from(4));
        EXPECT_EQ(callee.audited, sum_from(5));
        EXPECT_EQ(callee.no_endpoint, sum_from(6));
    }
    void check_losses(const Counters& counters) {
        const auto spoofed = std::ranges::find_if(counters.drops, [](const auto& each) {
            return each.reason == DF_REASON_SPOOFED && each.hook == DF_HOOK_FROM_POD;
        });
        ASSERT_NE(spoofed, counters.drops.end());
        EXPECT_EQ(spoofed->packets, sum_from(7));
        EXPECT_EQ(spoofed->bytes, sum_from(100));
        ASSERT_EQ(counters.denied.size(), 1U);
        EXPECT_EQ(counters.denied.front().from, function("callee"));
        EXPECT_EQ(counters.denied.front().to, function("caller"));
        EXPECT_EQ(counters.denied.front().reason, DF_REASON_NO_EDGE);
        EXPECT_EQ(counters.denied.front().calls, sum_from(9));
        EXPECT_EQ(counters.held_lost, sum_from(3));
        EXPECT_EQ(counters.events_lost, 0U);
    }
    void check() {
        check_flows(read());
        check_losses(read());
    }
};

TEST_F(CpusTest, AddUpAndStay) {
    inside([&] {
        start();
        apply(small_rules());
        write_all();
        check();
        start();  // a new process sees what the old one saw
        check();
        model::RuleDelta again;
        again.identities = small_rules().identities;
        again.allowed = small_rules().allowed;
        ASSERT_TRUE(backend().apply(again));
        check();
    });
}

/// With only one number to give, the next owner is sure to get it.
TEST_F(CountersTest, AReusedNumberStartsAtZero) {
    options().max_functions = 3;
    options().max_edges = 2;
    inside([&] {
        start();
        apply(small_rules());
        const auto open = tables();
        const auto ones = [](std::uint32_t) {
            df_edge_stats stats{};
            stats.opened = 1;
            return stats;
        };
        write<df_edge_stats>(open.edge_stats, edge_id(), ones);
        for (const char* address : {"10.1.0.1", "10.1.0.2"}) {
            write<df_fn_stats>(open.fn_stats, fn_id(address),
                               [](std::uint32_t) { return df_fn_stats{1, 1, 1, 1, 1, 1}; });
        }
        const df_denied_key pair{fn_id("10.1.0.2"), fn_id("10.1.0.1"), DF_REASON_NO_EDGE};
        write<std::uint64_t>(open.denied, pair, [](std::uint32_t) { return std::uint64_t{1}; });
        EXPECT_GT(read().edges.begin()->second.opened, 0U);
        apply({});
        EXPECT_TRUE(read().edges.empty());
        EXPECT_TRUE(read().functions.empty());
        model::RuleSet others;
        others.identities = {{function("x"), {}}, {function("y"), {}}};
        others.allowed = {{function("x"), function("y")}};
        apply(others);
        const auto counters = read();
        EXPECT_EQ(counters.edges.begin()->second.opened, 0U);
        EXPECT_EQ(counters.functions.at(function("x")).opened, 0U);
        EXPECT_EQ(counters.functions.at(function("y")).denied, 0U);
        EXPECT_TRUE(counters.denied.empty());
    });
}

TEST_F(CountersTest, UsageNamesEveryTableThatCanFill) {
    inside([&] {
        start();
        apply(small_rules());
        std::map<std::string, TableUsage> usage;
        for (const auto& table : read().tables) {
            usage[table.name] = table;
        }
        EXPECT_EQ(usage.at("fn").entries, 2U);
        EXPECT_EQ(usage.at("fn").capacity, options().max_functions);
        EXPECT_EQ(usage.at("vip").entries, 1U);
        EXPECT_EQ(usage.at("ep").entries, 1U);
        EXPECT_EQ(usage.at("slots").entries, 1U);
        EXPECT_EQ(usage.at("ip_id").entries, 3U);
        EXPECT_EQ(usage.at("allow").entries, 1U);
        EXPECT_EQ(usage.at("fn_port").entries, 2U);
        EXPECT_EQ(usage.at("ct").capacity, options().max_connections);
        for (const auto& [name, table] : usage) {
            EXPECT_GT(table.bytes, 0U) << name;
        }
    });
}

/// A scrape at any moment sees whole figures of whoever exists then.
TEST_F(CountersTest, ReadingWhileRulesChangeIsSafe) {
    inside([&] {
        start();
        apply(small_rules());
        std::atomic<bool> stopping = false;
        std::atomic<std::uint64_t> reads = 0;
        std::atomic<std::uint64_t> wrong = 0;
        std::thread scraper([&] {
            while (!stopping) {
                const auto counters = backend().counters();
                wrong += counters && !counters->edges.empty() &&
                                 counters->edges.begin()->second.opened != 0
                             ? 1
                             : 0;
                wrong += counters ? 0 : 1;
                ++reads;
            }
        });
        for (int i = 0; i < 500 || reads < 50; ++i) {
            apply(i % 2 == 0 ? model::RuleSet{} : small_rules());
        }
        stopping = true;
        scraper.join();
        EXPECT_EQ(wrong, 0U);
    });
}

}  // namespace
}  // namespace directfaas::backend::ebpf
