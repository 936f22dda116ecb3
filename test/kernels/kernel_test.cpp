// SPDX-License-Identifier: Apache-2.0
// What depends on the kernel alone: what it can do, by the agent's own probe, and how much work its
// verifier has with each program. Runs here and, the same binary, in QEMU on other kernels.
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include "agent/backend/ebpf/ebpf_backend.h"
#include "maps/config.h"

// These name types of maps/.
#include "from_pod.skel.h"
#include "replay.skel.h"
#include "sweep.skel.h"
#include "to_pod.skel.h"
#include "uplink.skel.h"

namespace directfaas {
namespace {

/// The verifier gives up at a million instructions; the budgets keep each program far from it. A
/// figure is about one and a half times the largest seen on any kernel of kernels.txt: exceeding
/// it wants a look at the change, not a new figure by habit.
struct Row {
    const char* name;
    const void* (*elf)(std::size_t*);
    unsigned budget;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

constexpr std::array kRows{
    Row{"from_pod", from_pod_bpf__elf_bytes, 50000}, Row{"to_pod", to_pod_bpf__elf_bytes, 22000},
    Row{"replay", replay_bpf__elf_bytes, 100},       Row{"sweep", sweep_bpf__elf_bytes, 140000},
    Row{"uplink", uplink_bpf__elf_bytes, 3500},
};

/// libbpf's level for "statistics only": one line with the count, on every kernel since 5.2.
constexpr unsigned kVerifierStatistics = 4;
/// The tables' size does not matter to the verifier; small ones fit a small guest.
constexpr unsigned kEntries = 64;

bool is_hash(const bpf_map* map) {
    switch (bpf_map__type(map)) {
        case BPF_MAP_TYPE_HASH:
        case BPF_MAP_TYPE_PERCPU_HASH:
        case BPF_MAP_TYPE_LRU_HASH:
        case BPF_MAP_TYPE_LRU_PERCPU_HASH:
            return true;
        default:
            return false;
    }
}

struct CloseObject {
    void operator()(bpf_object* object) const { bpf_object__close(object); }
};

class VerifiedInstructions : public testing::TestWithParam<Row> {};

TEST_P(VerifiedInstructions, StayWithinBudget) {
    std::size_t size = 0;
    const void* elf = GetParam().elf(&size);
    const std::unique_ptr<bpf_object, CloseObject> object(bpf_object__open_mem(elf, size, nullptr));
    ASSERT_TRUE(object);
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object.get()) {
        if (is_hash(map)) {
            ASSERT_EQ(bpf_map__set_max_entries(map, kEntries), 0);
        }
    }
    bpf_program* program = bpf_object__next_program(object.get(), nullptr);
    ASSERT_NE(program, nullptr);
    std::array<char, 65536> log{};
    ASSERT_EQ(bpf_program__set_log_level(program, kVerifierStatistics), 0);
    ASSERT_EQ(bpf_program__set_log_buf(program, log.data(), log.size()), 0);
    ASSERT_EQ(bpf_object__load(object.get()), 0) << log.data();

    unsigned instructions = 0;
    const std::string_view text(log.data());
    const auto found = text.find("processed ");
    ASSERT_NE(found, std::string_view::npos) << text;
    ASSERT_EQ(std::sscanf(log.data() + found, "processed %u insns", &instructions), 1);
    std::printf("insns %s %u\n", GetParam().name, instructions);
    RecordProperty("verified_instructions", static_cast<int>(instructions));
    EXPECT_GT(instructions, 0U);
    EXPECT_LE(instructions, GetParam().budget);
}

INSTANTIATE_TEST_SUITE_P(Programs, VerifiedInstructions, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Kernel, CanDoWhatTheSwitchNeeds) {
    // A network namespace of its own, so that the node's settings do not speak for its kernel.
    ASSERT_EQ(unshare(CLONE_NEWNET), 0) << std::strerror(errno);
    std::ofstream("/proc/sys/net/ipv4/ip_forward") << "1\n";
    backend::ebpf::Options options;
    options.instance = "kernel-test";
    const auto capabilities = backend::ebpf::probe_node(options);
    ASSERT_FALSE(capabilities.empty());
    for (const backend::Capability& capability : capabilities) {
        std::printf("feature %s: %s%s (%s)\n", capability.name.c_str(),
                    capability.available ? "yes" : "no", capability.required ? ", required" : "",
                    capability.detail.c_str());
        EXPECT_TRUE(capability.available || !capability.required)
            << capability.name << ": " << capability.detail << "; " << capability.advice;
    }
}

}  // namespace
}  // namespace directfaas
