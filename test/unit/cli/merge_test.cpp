// SPDX-License-Identifier: Apache-2.0
// Answers of several nodes as one: what is added up, what is not, and where nodes differ.
#include "cli/cluster/merge.h"

#include <gmock/gmock.h>

namespace directfaas::cli {
namespace {

Json parsed(const char* text) { return Json::parse(text); }

TEST(MergedEdges, AddCountersUp) {
    const auto merged = merged_edges({{"n1", parsed(R"({"edges":[
            {"from":"a","to":"b","opened":5,"open":1,"closed_by_caller":4,"closed_by_callee":0,
             "reset":0,"bytes_request":100,"bytes_reply":200,
             "handshake_p50_us":3,"handshake_log2_us":[0,0,4],"declared":{"file":"x","line":2}}],
            "denied":[{"from":"b","to":"a","reason":"no_edge","calls":2}]})")},
                                      {"n2", parsed(R"({"edges":[
            {"from":"a","to":"b","opened":7,"open":0,"closed_by_caller":null,"closed_by_callee":1,
             "reset":1,"bytes_request":1,"bytes_reply":2,
             "handshake_p50_us":100,"handshake_log2_us":[0,0,0,0,0,0,0,4]},
            {"from":"outside","to":"a","opened":1}],
            "denied":[{"from":"b","to":"a","reason":"no_edge","calls":3},
                      {"from":"b","to":"a","reason":"port_closed","calls":1}]})")}});
    ASSERT_EQ(merged["edges"].size(), 2U);
    const auto& edge = merged["edges"][0];
    EXPECT_EQ(edge["opened"], 12);
    EXPECT_EQ(edge["open"], 1);
    EXPECT_TRUE(edge["closed_by_caller"].is_null()) << "one node does not count it";
    EXPECT_EQ(edge["closed_by_callee"], 1);
    EXPECT_EQ(edge["bytes_reply"], 202);
    EXPECT_EQ(edge["handshake_p50_us"], 4.0) << "of all eight, and no mean of medians";
    EXPECT_GT(edge["handshake_p99_us"], 100.0);
    EXPECT_EQ(edge["declared"]["line"], 2);
    ASSERT_EQ(merged["denied"].size(), 2U);
    EXPECT_EQ(merged["denied"][0]["calls"], 5);
}

TEST(MergedEdges, NoQuantileWithoutEveryHistogram) {
    const auto merged = merged_edges(
        {{"n1", parsed(R"({"edges":[{"from":"a","to":"b","opened":1,"handshake_p50_us":3,
                                     "handshake_log2_us":[0,0,4]}]})")},
         {"old", parsed(R"({"edges":[{"from":"a","to":"b","opened":1,"handshake_p50_us":3}]})")}});
    EXPECT_TRUE(merged["edges"][0]["handshake_p50_us"].is_null());
    EXPECT_EQ(merged["edges"][0]["opened"], 2);
}

TEST(MergedFunctions, UniteInstancesAndNameNodesThatDiffer) {
    const auto first = parsed(R"({"functions":[{"name":"a","vips":["10.0.0.1:80/TCP"],
        "enforcement":"Enforce","ingress":true,"ready":2,"draining":0,"open":1,"opened":10,
        "denied":1,"audited":0,"no_instance":0,"refused":0,"held_packets":0,"held_now":1,
        "instances":[{"address":"10.1.0.1","state":"ready","open":1},
                     {"address":"10.1.0.2","state":"ready","open":0}]}]})");
    auto second = first;
    auto& behind = second["functions"][0];
    behind["instances"][1]["state"] = "draining";
    behind["instances"][0]["open"] = 4;
    behind["open"] = 4;
    const auto merged = merged_functions(
        {{"n1", first}, {"n2", second}, {"n3", first}, {"n4", parsed(R"({"functions":[]})")}});
    const auto& function = merged["functions"][0];
    EXPECT_EQ(function["opened"], 30);
    EXPECT_EQ(function["open"], 6);
    EXPECT_EQ(function["held_now"], 3);
    EXPECT_EQ(function["ready"], 2);
    EXPECT_EQ(function["instances"][0]["open"], 6);
    EXPECT_EQ(function["instances"][1]["state"], "ready");
    EXPECT_EQ(function["differs_on"], parsed(R"(["n2","n4"])"));
}

TEST(MergedSamples, AddRatesUp) {
    const auto sample = [](double rate) {
        return Json{{"seconds", rate},
                    {"functions",
                     {{{"name", "a"},
                       {"ready", 2},
                       {"open", 3},
                       {"held_now", 1},
                       {"calls_per_second", rate},
                       {"denied_per_second", nullptr}}}}};
    };
    const auto merged = merged_samples({{"n1", sample(1.5)}, {"n2", sample(2)}});
    EXPECT_EQ(merged["seconds"], 2.0);
    const auto& function = merged["functions"][0];
    EXPECT_EQ(function["calls_per_second"], 3.5);
    EXPECT_TRUE(function["denied_per_second"].is_null());
    EXPECT_EQ(function["ready"], 2) << "every node knows both";
    EXPECT_EQ(function["open"], 6);
    EXPECT_EQ(function["held_now"], 2);
    const auto edges = merged_samples(
        {{"n1", parsed(R"({"seconds":1,"edges":[{"from":"a","to":"b","calls_per_second":1}]})")}});
    EXPECT_EQ(edges["edges"][0]["to"], "b");
}

TEST(Merged, OddAnswersDoNoHarm) {
    for (const char* text : {"{}", "[]", "null", R"({"edges":[1,null,{}],"functions":[[],{"x":1}],
                             "denied":"x","seconds":"y"})"}) {
        const std::vector<FromNode> odd{{"n1", parsed(text)}, {"n2", Json::object()}};
        EXPECT_NO_THROW(merged_edges(odd)) << text;
        EXPECT_NO_THROW(merged_functions(odd)) << text;
        EXPECT_NO_THROW(merged_samples(odd)) << text;
    }
}

}  // namespace
}  // namespace directfaas::cli
