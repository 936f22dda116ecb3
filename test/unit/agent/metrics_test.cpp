// SPDX-License-Identifier: Apache-2.0
// Names, types and zeros of all metrics: the rules of promtool, and those of this project.
#include "agent/status/metrics.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <regex>
#include <set>

#include "test/support/memory_backend.h"
#include "test/unit/agent/shop.h"

namespace directfaas::status {
namespace {

using namespace agent_test;
using prometheus::MetricFamily;
using prometheus::MetricType;
using testing::HasSubstr;

/// Zero counters of a switch that has the shop's rules.
Snapshot untouched() {
    support::MemoryBackend backend;
    model::Model model({.node_name = "n", .pod_networks = {}});
    if (auto applied = backend.apply(*model.replace_all(shop_files())); !applied) {
        ADD_FAILURE() << applied.error().text();
    }
    Snapshot snapshot{*backend.counters(), {}};
    snapshot.counters.tables = {{"ct", 0, 100, 0}};
    snapshot.counters.fast_path.emplace();
    snapshot.counters.uplinks = {{"eth0", "no such device"}};
    snapshot.counters.denied = {{function("back"), function("front"), DF_REASON_NO_EDGE, 1}};
    snapshot.agent.version = "1.2.3";
    snapshot.agent.backend = "ebpf";
    snapshot.agent.sources = {{"directory", 4, 0, 0}};
    snapshot.agent.hold.calls = {{"replayed", 0}, {"expired", 0}};
    snapshot.agent.hold.sources = {{"resolved", 0}};
    snapshot.agent.hold.activations = {{"succeeded", 0}, {"failed", 0}};
    return snapshot;
}

std::vector<MetricFamily> families(const Snapshot& snapshot) {
    return Collector([&snapshot] { return snapshot; }).Collect();
}

const MetricFamily& family(const std::vector<MetricFamily>& all, const std::string& name) {
    const auto found = std::ranges::find(all, name, &MetricFamily::name);
    if (found == all.end()) {
        throw std::runtime_error("there is no family " + name);
    }
    return *found;
}

std::string text_of(const MetricFamily& one) {
    return prometheus::TextSerializer().Serialize({one});
}

TEST(Metrics, NamesFollowTheRules) {
    const std::regex name_form("(directfaas|process)_[a-z0-9]+(_[a-z0-9]+)*");
    const std::regex wrong_unit(
        "(milli|micro|nano|kilo|mega|giga)|_(ms|us|ns|minutes|hours|percent|kb|mb)(_|$)");
    std::set<std::string> names;
    for (const auto& one : families(untouched())) {
        EXPECT_TRUE(std::regex_match(one.name, name_form)) << one.name;
        EXPECT_FALSE(std::regex_search(one.name, wrong_unit)) << one.name;
        EXPECT_TRUE(names.insert(one.name).second) << one.name << " is there twice";
        EXPECT_TRUE(one.help.ends_with('.')) << one.name << ": " << one.help;
        EXPECT_EQ(one.name.ends_with("_total"), one.type == MetricType::Counter) << one.name;
        for (const auto* reserved : {"_count", "_sum", "_bucket"}) {
            EXPECT_FALSE(one.name.ends_with(reserved)) << one.name;
        }
        if (one.type == MetricType::Histogram) {
            EXPECT_TRUE(one.name.ends_with("_seconds")) << one.name;
        }
        for (const auto* type : {"counter", "gauge", "histogram"}) {
            EXPECT_THAT(one.name, testing::Not(HasSubstr(type)));
        }
    }
    EXPECT_EQ(names.size(), family_count());
}

TEST(Metrics, LabelsNeitherCollideNorGrowWithPods) {
    const std::regex form("[a-z][a-z0-9_]*");
    // Prometheus puts these on every scrape target itself; le and quantile have a meaning.
    const std::set<std::string> taken{"namespace", "pod",  "service", "instance",
                                      "job",       "node", "le",      "quantile"};
    for (const auto& one : families(untouched())) {
        for (const auto& metric : one.metric) {
            std::set<std::string> names;
            for (const auto& label : metric.label) {
                EXPECT_TRUE(std::regex_match(label.name, form)) << one.name << " " << label.name;
                EXPECT_FALSE(taken.contains(label.name)) << one.name << " " << label.name;
                EXPECT_TRUE(names.insert(label.name).second) << one.name << " " << label.name;
                EXPECT_FALSE(util::IpAddress::parse(label.value)) << one.name << ": an address";
            }
            EXPECT_EQ(names.size(), one.metric.front().label.size())
                << one.name << ": all series of a family have the same labels";
        }
    }
}

TEST(Metrics, EverySeriesIsThereFromTheStart) {
    const auto all = families(untouched());
    for (const auto& one : all) {
        EXPECT_FALSE(one.metric.empty()) << one.name;
    }
    for (const auto* name : {"directfaas_connections_total", "directfaas_denied_total",
                             "directfaas_zero_endpoint_syn_total", "directfaas_hold_calls"}) {
        const auto text = text_of(family(all, name));
        for (const auto* function_name : {"front", "back"}) {
            EXPECT_THAT(text, HasSubstr(std::string("{function_namespace=\"shop\",function=\"") +
                                        function_name + "\"} 0"));
        }
    }
    EXPECT_THAT(
        text_of(family(all, "directfaas_edge_connections_total")),
        HasSubstr("{source_kind=\"function\",source_namespace=\"shop\",source_function="
                  "\"front\",destination_namespace=\"shop\",destination_function=\"back\"} 0"));
    EXPECT_THAT(
        text_of(family(all, "directfaas_edge_connections_total")),
        HasSubstr("source_kind=\"entry\",source_namespace=\"shop\",source_function=\"gateway\""));
    EXPECT_THAT(text_of(family(all, "directfaas_edge_connections_total")),
                HasSubstr("source_kind=\"outside\",source_namespace=\"\",source_function=\"\""));
    const auto reasons = text_of(family(all, "directfaas_packets_by_reason_total"));
    for (int reason = 0; reason < DF_REASON_MAX; ++reason) {
        for (int hook = 0; hook < DF_HOOK_MAX; ++hook) {
            EXPECT_THAT(
                reasons,
                HasSubstr(fmt::format(
                    "{{reason=\"{}\",class=\"{}\",hook=\"{}\"}} 0",
                    backend::reason_name(static_cast<df_reason>(reason)),
                    backend::reason_is_drop(static_cast<df_reason>(reason)) ? "drop" : "note",
                    backend::hook_name(static_cast<df_hook>(hook)))));
        }
    }
    EXPECT_THAT(text_of(family(all, "directfaas_edge_handshake_seconds")),
                HasSubstr("le=\"+Inf\"} 0"));
}

TEST(Metrics, ValuesComeThrough) {
    auto snapshot = untouched();
    const model::AllowKey edge{function("front"), function("back")};
    auto& counted = snapshot.counters.edges[edge];
    counted = {.opened = 5,
               .open = 1,
               .closed_by_caller = 3,
               .closed_by_callee = 2,
               .reset = 4,
               .bytes_request = 100,
               .bytes_reply = 200,
               .handshake_sum_ns = 1500000000,
               .handshake_log2_us = std::vector<std::uint64_t>(24, 0)};
    counted.handshake_log2_us[0] = 1;   // < 1 µs
    counted.handshake_log2_us[4] = 2;   // < 16 µs
    counted.handshake_log2_us[5] = 4;   // < 32 µs
    counted.handshake_log2_us[23] = 8;  // the rest
    snapshot.counters.functions[function("back")] = {
        .opened = 11, .zero_syn = 12, .held = 13, .denied = 14, .audited = 15, .no_endpoint = 16};
    snapshot.counters.events_lost = 17;
    snapshot.counters.tables = {{"ct", 18, 19, 20}};
    snapshot.agent.hold.waiting[function("back")] = 21;
    snapshot.agent.sync = {
        .in_sync = true,
        .last_success = std::chrono::system_clock::time_point(std::chrono::seconds(1000)),
        .duration = {.bounds = {0.5, 1}, .buckets = {1, 2, 3}, .sum = 9}};
    snapshot.counters.fast_path = {.interfaces = 3, .obstacles = {{7, "qdisc tbf"}}, .open = 22};
    snapshot.counters.uplinks = {{"eth0", ""}, {"eth1", "another XDP program"}};
    const auto all = families(snapshot);
    const auto expect = [&all](const char* name, const std::string& line) {
        EXPECT_THAT(text_of(family(all, name)), HasSubstr(line + "\n"));
    };
    const std::string pair =
        "source_kind=\"function\",source_namespace=\"shop\",source_function=\"front\","
        "destination_namespace=\"shop\",destination_function=\"back\"";
    expect("directfaas_edge_connections_total", "{" + pair + "} 5");
    expect("directfaas_edge_open_connections", "{" + pair + "} 1");
    expect("directfaas_edge_closed_connections_total", "{" + pair + ",closed_by=\"caller\"} 3");
    expect("directfaas_edge_closed_connections_total", "{" + pair + ",closed_by=\"callee\"} 2");
    expect("directfaas_edge_reset_connections_total", "{" + pair + "} 4");
    expect("directfaas_edge_bytes_total", "{" + pair + ",direction=\"request\"} 100");
    expect("directfaas_edge_bytes_total", "{" + pair + ",direction=\"reply\"} 200");
    expect("directfaas_edge_handshake_seconds", "{" + pair + ",le=\"1.6e-05\"} 3");
    expect("directfaas_edge_handshake_seconds", "{" + pair + ",le=\"6.4e-05\"} 7");
    expect("directfaas_edge_handshake_seconds", "{" + pair + ",le=\"4.194304\"} 7");
    expect("directfaas_edge_handshake_seconds", "{" + pair + ",le=\"+Inf\"} 15");
    expect("directfaas_edge_handshake_seconds", "_count{" + pair + "} 15");
    expect("directfaas_edge_handshake_seconds", "_sum{" + pair + "} 1.5");
    const std::string back = "{function_namespace=\"shop\",function=\"back\"}";
    expect("directfaas_connections_total", back + " 11");
    expect("directfaas_zero_endpoint_syn_total", back + " 12");
    expect("directfaas_held_packets_total", back + " 13");
    expect("directfaas_denied_total", back + " 14");
    expect("directfaas_audited_total", back + " 15");
    expect("directfaas_no_endpoint_total", back + " 16");
    expect("directfaas_lost_reports_total", "{kind=\"event\"} 17");
    expect("directfaas_map_entries", "{map=\"ct\"} 18");
    expect("directfaas_map_max_entries", "{map=\"ct\"} 19");
    expect("directfaas_map_memory_bytes", "{map=\"ct\"} 20");
    expect("directfaas_fast_path_interfaces", "{state=\"usable\"} 2");
    expect("directfaas_fast_path_interfaces", "{state=\"blocked\"} 1");
    expect("directfaas_fast_path_connections_open", " 22");
    expect("directfaas_uplink_guarded", "{device=\"eth0\"} 1");
    expect("directfaas_uplink_guarded", "{device=\"eth1\"} 0");
    expect("directfaas_hold_calls", back + " 21");
    expect("directfaas_in_sync", " 1");
    expect("directfaas_last_successful_sync_timestamp_seconds", " 1000");
    expect("directfaas_sync_duration_seconds", "{le=\"1\"} 3");
    expect("directfaas_sync_duration_seconds", "{le=\"+Inf\"} 6");
    expect("directfaas_build_info", "{version=\"1.2.3\",backend=\"ebpf\"} 1");
    expect("directfaas_denied_pair_calls_total",
           "source_function=\"back\",destination_namespace=\"shop\",destination_function=\"front\","
           "reason=\"no_edge\"} 1");
}

TEST(Metrics, ProcessFiguresAreReal) {
    const auto all = families(untouched());
    EXPECT_GT(family(all, "process_resident_memory_bytes").metric.at(0).gauge.value, 1 << 20);
    const auto now =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    const auto start = family(all, "process_start_time_seconds").metric.at(0).gauge.value;
    EXPECT_GT(start, now - 3600);
    EXPECT_LT(start, now + 2);
}

}  // namespace
}  // namespace directfaas::status
