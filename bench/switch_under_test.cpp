// SPDX-License-Identifier: Apache-2.0
#include "bench/switch_under_test.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "agent/backend/ebpf/ebpf_backend.h"
#include "agent/backend/ebpf/pins.h"
#include "maps/connection.h"

namespace directfaas::bench {
namespace {

namespace flag = support::tcp_flag;
constexpr const char* kBpffs = "/sys/fs/bpf";
constexpr std::uint8_t kSynAck = flag::kSyn | flag::kAck;
constexpr std::uint8_t kData = flag::kPsh | flag::kAck;
constexpr std::size_t kPayload = 200;
constexpr std::size_t kSynOptions = 20;  // as many as Linux sends

template <typename Value>
Value must(util::Result<Value> result) {
    if (!result) {
        throw std::runtime_error(result.error().text());
    }
    if constexpr (!std::is_void_v<Value>) {
        return std::move(*result);
    }
}

util::UniqueFd pinned(const std::string& path) {
    util::UniqueFd fd(bpf_obj_get(path.c_str()));
    if (!fd.valid()) {
        throw std::runtime_error("open " + path + ": " + std::strerror(errno));
    }
    return fd;
}

/// Where a frame goes, after whatever the switch did to it.
util::IpAddress destination(const support::Bytes& frame) {
    const bool v6 = frame.at(12) == 0x86;
    std::array<std::uint8_t, 16> bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    std::copy_n(frame.begin() + (v6 ? 38 : 30), v6 ? 16 : 4, bytes.begin() + (v6 ? 0 : 12));
    return util::IpAddress(bytes);
}

}  // namespace

support::Bytes segment(const util::IpAddress& from, std::uint16_t sport, const util::IpAddress& to,
                       std::uint16_t dport, std::uint8_t flags) {
    const bool opens = (flags & flag::kSyn) != 0;
    const support::Tcp tcp{.sport = sport,
                           .dport = dport,
                           .flags = flags,
                           .options = support::Bytes(opens ? kSynOptions : 0, 1)};
    const support::Raw payload(support::Bytes(opens ? 0 : kPayload, 'x'));
    return from.is_v4()
               ? (support::Eth{} / support::Ip4{.src = from, .dst = to} / tcp / payload).bytes()
               : (support::Eth{} / support::Ip6{.src = from, .dst = to} / tcp / payload).bytes();
}

SwitchUnderTest::SwitchUnderTest(const std::string& instance, unsigned functions,
                                 unsigned caller_ifindex, unsigned callee_ifindex)
    : caller_(caller_ifindex), callee_(callee_ifindex) {
    namespace ebpf = backend::ebpf;
    ebpf::Options options{.instance = instance, .bpffs = kBpffs};
    options.attach = ebpf::AttachMode::kClsact;  // programs of one kind: all can be jumped to
    backend_ = must(ebpf::create(options));
    backend::Settings settings;
    settings.budget_rate = 0;
    settings.budget_live = 0;
    settings.pod_networks = {*util::IpPrefix::parse("10.128.0.0/9"),
                             *util::IpPrefix::parse("fd00:128::/32")};
    must(backend_->configure(settings));
    must(backend_->apply(model::plan({}, many_functions(functions, caller_, callee_))));
    const auto pins = ebpf::Pins::describe(kBpffs, instance);
    from_pod_ = pinned(pins.program("from_pod"));
    to_pod_ = pinned(pins.program("to_pod"));
    connections_ = pinned(pins.table("ct"));
}

SwitchUnderTest::~SwitchUnderTest() { (void)backend_->remove(); }

Passage SwitchUnderTest::pass(int program, Arrival arrival, const support::Bytes& frame) const {
    const auto turn = run_once(program, arrival, frame);
    if (turn.verdict != kNext) {
        throw std::runtime_error("a packet of the benchmark's own was not let through: verdict " +
                                 std::to_string(turn.verdict));
    }
    return {frame, turn.frame};
}

Connection SwitchUnderTest::open(unsigned function, bool v6, std::uint16_t port) {
    const auto caller = v6 ? instance_v6(0, 0) : instance_v4(0, 0);
    const auto vip = v6 ? vip_v6(function) : vip_v4(function);
    const auto call = [&](std::uint8_t flags) {
        return pass(from_pod(), at_caller(), segment(caller, port, vip, kServicePort, flags));
    };
    const auto chosen = destination(call(flag::kSyn).leaves);
    const auto answer = [&](std::uint8_t flags) {
        return pass(to_pod(), at_caller(), segment(chosen, kTargetPort, caller, port, flags));
    };
    answer(kSynAck);
    Connection connection{.call = call(kData), .answer = answer(kData), .serve = {}, .reply = {}};
    if (function == 1) {
        // The callee's end is another connection, to the instance that is attached.
        const auto own = v6 ? instance_v6(1, 0) : instance_v4(1, 0);
        const auto serve = [&](std::uint8_t flags) {
            return pass(to_pod(), at_callee(), segment(caller, port, own, kTargetPort, flags));
        };
        const auto reply = [&](std::uint8_t flags) {
            return pass(from_pod(), at_callee(), segment(own, kTargetPort, caller, port, flags));
        };
        serve(flag::kSyn);
        reply(kSynAck);
        connection.serve = serve(kData);
        connection.reply = reply(kData);
    }
    return connection;
}

void SwitchUnderTest::forget_new() {
    constexpr std::uint32_t kBatch = 4096;
    std::vector<df_ct_key> keys(kBatch);
    std::vector<df_ct> values(kBatch);
    std::vector<df_ct_key> doomed;
    std::uint32_t cursor = 0;
    const void* from = nullptr;
    for (int status = 0; status == 0; from = &cursor) {
        std::uint32_t count = kBatch;
        status = bpf_map_lookup_batch(connections_.get(), const_cast<void*>(from), &cursor,
                                      keys.data(), values.data(), &count, nullptr);
        if (status != 0 && errno != ENOENT) {
            throw std::runtime_error(std::string("read table ct: ") + std::strerror(errno));
        }
        std::copy_if(keys.begin(), keys.begin() + count, std::back_inserter(doomed),
                     [](const df_ct_key& key) {
                         // The service's ports are below those of any client.
                         return std::max(ntohs(key.sport), ntohs(key.dport)) < kEstablishedPorts;
                     });
    }
    for (const auto& key : doomed) {
        bpf_map_delete_elem(connections_.get(), &key);
    }
}

}  // namespace directfaas::bench
