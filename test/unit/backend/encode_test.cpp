// SPDX-License-Identifier: Apache-2.0
// The translator: what goes in comes out, bytes are in network order, what does not fit is refused.
#include "agent/backend/ebpf/encode.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>

namespace directfaas::backend::ebpf {
namespace {

util::IpAddress ip(const char* text) { return util::IpAddress::parse(text).value(); }

const model::Identity kReviews{model::IdentityKind::kFunction, {"shop", "reviews"}};
const model::Identity kGateway{model::IdentityKind::kEntry, {"shop", "gateway"}};

TEST(Encode, AddressesOfBothFamiliesRoundTrip) {
    for (const char* text : {"10.1.2.3", "fd00::17", "::", "0.0.0.0", "255.255.255.255"}) {
        EXPECT_EQ(decode(encode(ip(text))), ip(text)) << text;
    }
    EXPECT_EQ(encode(ip("10.1.2.3")).bytes[10], 0xff);
    EXPECT_EQ(encode(ip("10.1.2.3")).bytes[12], 10);
}

TEST(Encode, RouteKeysAreInNetworkOrder) {
    const model::RouteKey key{ip("10.96.0.2"), 0x1234, util::Protocol::kUdp};
    const auto encoded = encode(key);
    std::uint8_t port[2];
    std::memcpy(port, &encoded.port, sizeof(port));
    EXPECT_EQ(port[0], 0x12);
    EXPECT_EQ(port[1], 0x34);
    EXPECT_EQ(encoded.proto, IPPROTO_UDP);
    EXPECT_EQ(decode(encoded), key);
}

TEST(Encode, IdentitiesRoundTrip) {
    for (const auto& identity : {kReviews, kGateway}) {
        for (const auto enforcement : {model::Enforcement::kDisabled, model::Enforcement::kAudit,
                                       model::Enforcement::kEnforce}) {
            for (const bool ingress : {false, true}) {
                const model::IdentityRule rule{enforcement, ingress, {}, {}, !ingress};
                const auto entry = encode(identity, rule, 7);
                ASSERT_TRUE(entry) << entry.error().text();
                EXPECT_EQ(entry->gen, 7U);
                EXPECT_EQ(decode_identity(*entry), identity);
                EXPECT_EQ(decode_rule(*entry), rule);
            }
        }
    }
    EXPECT_EQ(decode_identity(df_fn{}), std::nullopt);
}

util::Result<df_fn> encode_function(const model::ObjectName& name) {
    return encode(model::Identity{model::IdentityKind::kFunction, name}, model::IdentityRule{}, 1);
}

TEST(Encode, NamesThatDoNotFitAreRefused) {
    const std::string longest(DF_NAME_LEN - 1, 'x');
    EXPECT_TRUE(encode_function({longest, longest}));
    EXPECT_FALSE(encode_function({"shop", longest + "x"}));
    EXPECT_FALSE(encode_function({longest + "x", "a"}));
    const std::string pod(DF_POD_NAME_LEN - 1, 'p');
    const auto entry = encode_pod({longest, pod}, DF_POD_QDISC);
    ASSERT_TRUE(entry);
    EXPECT_EQ(decode(*entry), (model::ObjectName{longest, pod}));
    EXPECT_FALSE(encode_pod({"shop", pod + "p"}, 0));
}

TEST(Encode, OutsideHasNoEntry) {
    EXPECT_FALSE(encode(model::Identity{}, model::IdentityRule{}, 1));
}

TEST(Encode, AttachmentsRoundTrip) {
    model::AttachRule rule{{}, 0, {ip("10.1.0.5"), ip("fd00::5")}, true};
    const auto entry = encode(rule, 12, 3);
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->fn, 12U);
    EXPECT_EQ(entry->gen, 3U);
    EXPECT_EQ(decode(*entry), rule);
    rule.adopted = false;
    rule.fast_path = false;
    EXPECT_EQ(decode(*encode(rule, 12, 3)), rule);
    rule.addresses.assign(DF_VETH_ADDRS + 1, ip("10.1.0.5"));
    EXPECT_FALSE(encode(rule, 12, 3));
}

TEST(Encode, PortsRoundTrip) {
    const model::PortProtocol port{9080, util::Protocol::kTcp};
    const auto key = encode_port(4, port);
    EXPECT_EQ(key.fn, 4U);
    EXPECT_EQ(key.port, htons(9080));
    EXPECT_EQ(decode(key), port);
}

TEST(Encode, SettingsKeepTheMarks) {
    df_config before{};
    before.mark_replay = 11;
    before.mark_refuse = 22;
    Settings settings;
    settings.deny_silently = true;
    settings.drain = true;
    settings.event_rate = 5;
    settings.budget_rate = 6;
    settings.budget_burst = 7;
    settings.budget_live = 8;
    settings.pod_networks = {util::IpPrefix::parse("10.1.0.0/16").value(),
                             util::IpPrefix::parse("fd00::/48").value()};
    const auto config = encode(settings, before);
    ASSERT_TRUE(config);
    EXPECT_EQ(config->flags, static_cast<unsigned>(DF_CONFIG_DENY_SILENTLY | DF_CONFIG_DRAIN));
    EXPECT_EQ(config->mark_replay, 11U);
    EXPECT_EQ(config->mark_refuse, 22U);
    EXPECT_EQ(config->event_rate, 5U);
    EXPECT_EQ(config->budget_rate, 6U);
    EXPECT_EQ(config->budget_burst, 7U);
    EXPECT_EQ(config->budget_live, 8U);
    ASSERT_EQ(config->pod_network_count, 2U);
    EXPECT_EQ(decode(config->pod_networks[0].addr), ip("10.1.0.0"));
    EXPECT_EQ(decode(config->pod_networks[0].mask), util::IpPrefix::parse("10.1.0.0/16")->mask());
    settings.pod_networks.resize(DF_POD_NETWORKS + 1);
    EXPECT_FALSE(encode(settings, before));
}

TEST(Decode, Events) {
    df_event event{};
    event.time = 5;
    event.saddr = encode(ip("10.1.0.5"));
    event.daddr = encode(ip("10.96.0.1"));
    event.eaddr = encode(ip("10.1.0.9"));
    event.sport = htons(40000);
    event.dport = htons(80);
    event.eport = htons(9080);
    event.proto = IPPROTO_TCP;
    event.verdict = DF_VERDICT_REFUSE;
    event.reason = DF_REASON_NO_EDGE;
    event.hook = DF_HOOK_TO_POD;
    event.ifindex = 3;
    event.length = 74;
    const auto flow = decode(event);
    EXPECT_EQ(flow.time.count(), 5);
    EXPECT_EQ(flow.flow, (FlowTuple{ip("10.1.0.5"), ip("10.96.0.1"), 40000, 80, IPPROTO_TCP}));
    EXPECT_EQ(flow.instance, ip("10.1.0.9"));
    EXPECT_EQ(flow.instance_port, 9080);
    EXPECT_EQ(flow.verdict, DF_VERDICT_REFUSE);
    EXPECT_EQ(flow.reason, DF_REASON_NO_EDGE);
    EXPECT_EQ(flow.hook, DF_HOOK_TO_POD);
    EXPECT_EQ(flow.ifindex, 3U);
    EXPECT_EQ(flow.length, 74U);
}

std::vector<std::uint8_t> held_record(std::uint8_t kind, std::uint16_t length, std::size_t bytes) {
    df_held header{};
    header.kind = kind;
    header.len = length;
    header.ifindex = 9;
    header.sport = htons(1);
    header.dport = htons(2);
    std::vector<std::uint8_t> record(sizeof(header) + bytes, 0xaa);
    std::memcpy(record.data(), &header, sizeof(header));
    return record;
}

TEST(Decode, HeldPacketsHaveTheLengthTheySay) {
    const auto packet = decode_held(held_record(DF_HELD_NO_INSTANCE, 60, DF_HELD_SMALL));
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->kind, HeldPacket::Kind::kNoInstance);
    EXPECT_EQ(packet->frame, std::vector<std::uint8_t>(60, 0xaa));
    EXPECT_EQ(packet->ifindex, 9U);
    EXPECT_EQ(packet->flow.source_port, 1);
    EXPECT_EQ(packet->flow.destination_port, 2);
    EXPECT_EQ(decode_held(held_record(DF_HELD_UNKNOWN_SOURCE, 1, 1))->kind,
              HeldPacket::Kind::kUnknownSource);
    EXPECT_EQ(decode_held(held_record(DF_HELD_RESET, 0, 0))->kind, HeldPacket::Kind::kReset);
}

TEST(Decode, RecordsThatMakeNoSenseAreLeftOut) {
    EXPECT_FALSE(decode_held(held_record(DF_HELD_NO_INSTANCE, 61, 60)));
    EXPECT_FALSE(decode_held(held_record(99, 10, 10)));
    const auto record = held_record(DF_HELD_RESET, 0, 0);
    EXPECT_FALSE(decode_held(std::span(record).first(record.size() - 1)));
}

}  // namespace
}  // namespace directfaas::backend::ebpf
