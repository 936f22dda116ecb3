// SPDX-License-Identifier: Apache-2.0
// The guard of an uplink, frame by frame through BPF_PROG_TEST_RUN.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <stdexcept>

#include "test/packet/maps.h"
#include "test/packet/switch.h"
#include "test/support/packet.h"
#include "uplink.skel.h"

namespace directfaas::packet {
namespace {

using namespace support;  // NOLINT(*-using-namespace): the packet builder's words

constexpr int kDrop = 1;  // XDP_DROP
constexpr int kPass = 2;  // XDP_PASS
constexpr std::uint32_t kFunction = 7;
constexpr std::uint32_t kEntries = 64;

struct Addresses {
    const char* vip;
    const char* local;    // of a pod attached on this node
    const char* remote;   // of a function's instance on another node
    const char* unknown;  // in the pod network, nobody's
    const char* outside;
};
constexpr Addresses kV4{"10.96.0.2", "10.244.1.2", "10.244.2.2", "10.244.9.9", "192.0.2.1"};
constexpr Addresses kV6{"fd00:96::2", "fd00:244:1::2", "fd00:244:2::2", "fd00:244:9::9",
                        "2001:db8::1"};

class Uplink : public testing::TestWithParam<bool> {
   protected:
    Uplink() : skeleton_(uplink_bpf::open(), uplink_bpf::destroy) {
        if (skeleton_ == nullptr) {
            throw std::runtime_error("open the uplink program");
        }
        bpf_map__set_max_entries(skeleton_->maps.ct, kEntries);
        bpf_map__set_max_entries(skeleton_->maps.ip_id, kEntries);
        bpf_map__set_max_entries(skeleton_->maps.slots, kEntries);
        bpf_map__set_max_entries(skeleton_->maps.kept, kEntries);
        if (uplink_bpf::load(skeleton_.get()) != 0) {
            throw std::runtime_error("load the uplink program (are you root?)");
        }
        for (const Addresses& all : {kV4, kV6}) {
            owner(all.vip, DF_ADDR_VIP);
            owner(all.local, DF_ADDR_POD);
            owner(all.remote, DF_ADDR_POD);
            const df_addr local = addr(all.local);
            const std::uint32_t ifindex = 3;
            put(skeleton_->maps.local_addr, local, ifindex);
        }
        configure(0);
    }

    [[nodiscard]] const Addresses& names() const { return GetParam() ? kV6 : kV4; }
    void configure(std::uint32_t flags) {
        df_config config{};
        config.flags = flags;
        config.event_rate = 1000;
        config.pod_network_count = 2;
        const auto network = [](const char* base, const char* mask) {
            return df_prefix{addr(base), addr(mask)};
        };
        config.pod_networks[0] = network("10.244.0.0", "255.255.0.0");
        std::memset(config.pod_networks[0].mask.bytes, 0xff, 12);
        config.pod_networks[1] = network("fd00:244::", "ffff:ffff::");
        put(skeleton_->maps.config, 0U, config);
    }
    [[nodiscard]] Layer ip(const char* source) const {
        if (GetParam()) {
            return Ip6{.src = source, .dst = names().remote};
        }
        return Ip4{.src = source, .dst = names().remote};
    }
    [[nodiscard]] Bytes from(const char* source) const {
        return (Packet(Eth{}) / ip(source) / Tcp{}).bytes();
    }
    int run(const Bytes& frame) const {
        Bytes out(frame.size() + 64);
        LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_out = out.data(),
                    .data_size_in = static_cast<std::uint32_t>(frame.size()),
                    .data_size_out = static_cast<std::uint32_t>(out.size()));
        if (bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.uplink), &options) != 0) {
            fail("BPF_PROG_TEST_RUN");
        }
        out.resize(options.data_size_out);
        EXPECT_EQ(out, frame) << "the guard changes no packet";
        return static_cast<int>(options.retval);
    }
    [[nodiscard]] df_drop spoofed() const {
        const std::uint32_t index =
            std::uint32_t{DF_REASON_SPOOFED} * DF_HOOK_MAX + std::uint32_t{DF_HOOK_UPLINK};
        return sum<df_drop>(skeleton_->maps.drops, index);
    }
    [[nodiscard]] std::vector<df_event> events() const {
        std::vector<df_event> found;
        const auto take = [](void* list, void* data, std::size_t) {
            static_cast<std::vector<df_event>*>(list)->push_back(*static_cast<df_event*>(data));
            return 0;
        };
        ring_buffer* ring =
            ring_buffer__new(bpf_map__fd(skeleton_->maps.events), take, &found, nullptr);
        ring_buffer__consume(ring);
        ring_buffer__free(ring);
        return found;
    }

   private:
    void owner(const char* address, df_addr_kind kind) const {
        put(skeleton_->maps.ip_id, addr(address), df_ip_id{kFunction, 1, kind});
    }

    std::unique_ptr<uplink_bpf, void (*)(uplink_bpf*)> skeleton_;
};
INSTANTIATE_TEST_SUITE_P(Family, Uplink, testing::Bool(),
                         [](const auto& family) { return family.param ? "v6" : "v4"; });

TEST_P(Uplink, NobodyOutsideIsAVip) { EXPECT_EQ(run(from(names().vip)), kDrop); }

TEST_P(Uplink, NobodyOutsideIsAPodOfThisNode) { EXPECT_EQ(run(from(names().local)), kDrop); }

TEST_P(Uplink, OthersPass) {
    EXPECT_EQ(run(from(names().outside)), kPass);
    EXPECT_EQ(spoofed().packets, 0U);
    EXPECT_TRUE(events().empty());
}

TEST_P(Uplink, PodsOfOtherNodesPassWhereTheyAreRouted) {
    EXPECT_EQ(run(from(names().remote)), kPass);
    EXPECT_EQ(run(from(names().unknown)), kPass);
}

TEST_P(Uplink, NoPodComesAsItIsWhereTheyAreTunnelled) {
    configure(DF_CONFIG_TUNNELLED);
    EXPECT_EQ(run(from(names().remote)), kDrop);
    EXPECT_EQ(run(from(names().unknown)), kDrop);
    EXPECT_EQ(run(from(names().outside)), kPass);
}

TEST_P(Uplink, DropIsCountedAndReported) {
    const auto frame = from(names().local);
    ASSERT_EQ(run(frame), kDrop);
    EXPECT_EQ(spoofed().packets, 1U);
    EXPECT_EQ(spoofed().bytes, frame.size());
    const auto reported = events();
    ASSERT_EQ(reported.size(), 1U);
    const df_event& event = reported.front();
    const df_addr source = addr(names().local);
    EXPECT_EQ(std::memcmp(&event.saddr, &source, sizeof(source)), 0);
    EXPECT_EQ(event.reason, DF_REASON_SPOOFED);
    EXPECT_EQ(event.verdict, DF_VERDICT_DROP);
    EXPECT_EQ(event.hook, DF_HOOK_UPLINK);
    EXPECT_EQ(event.from, kFunction);
    EXPECT_EQ(event.proto, IPPROTO_TCP);
    EXPECT_EQ(event.length, frame.size());
}

TEST_P(Uplink, TagsAreLookedBehind) {
    const auto tagged = [&](const char* source) {
        return (Eth{} / Vlan{} / ip(source) / Tcp{}).bytes();
    };
    const auto twice = [&](const char* source) {
        return (Eth{} / Vlan{.tpid = 0x88a8} / Vlan{} / ip(source) / Tcp{}).bytes();
    };
    EXPECT_EQ(run(tagged(names().local)), kDrop);
    EXPECT_EQ(run(twice(names().vip)), kDrop);
    EXPECT_EQ(run(tagged(names().outside)), kPass);
    EXPECT_EQ(run(twice(names().outside)), kPass);
}

TEST_P(Uplink, FragmentsAndExtensionHeadersMakeNoDifference) {
    const auto later = [&](const char* source) {
        const auto packet = GetParam() ? Packet(Eth{}) / Ip6{.src = source, .dst = names().remote} /
                                             Ip6Extension{} / Ip6Fragment{.offset = 1480}
                                       : Packet(Eth{}) / Ip4{.src = source,
                                                             .dst = names().remote,
                                                             .fragment_offset = 1480,
                                                             .options = Bytes(8, 1),
                                                             .protocol = IPPROTO_TCP};
        return (packet / Raw{Bytes(32)}).bytes();
    };
    EXPECT_EQ(run(later(names().local)), kDrop);
    EXPECT_EQ(run(later(names().outside)), kPass);
}

/// What is not understood is the stack's business.
TEST_P(Uplink, TruncatedFramesPass) {
    const auto whole = from(names().local);
    const std::size_t address_end = GetParam() ? 14 + 40 : 14 + 20;
    for (std::size_t size = 14; size < address_end; ++size) {
        EXPECT_EQ(run(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))),
                  kPass)
            << size;
    }
    EXPECT_EQ(run(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(address_end))),
              kDrop);
}

TEST_P(Uplink, OtherProtocolsPass) { EXPECT_EQ(run((Eth{} / Arp{}).bytes()), kPass); }

}  // namespace
}  // namespace directfaas::packet
