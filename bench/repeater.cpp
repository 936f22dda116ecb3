// SPDX-License-Identifier: Apache-2.0
#include "bench/repeater.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "bench/bpf/frames.h"
#include "repeat.skel.h"

namespace directfaas::bench {
namespace {

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error(what + ": " + std::strerror(errno));
}

repeat_bpf* load() {
    repeat_bpf* object = repeat_bpf::open_and_load();
    if (object == nullptr) {
        fail("load bench/bpf/repeat.bpf.c");
    }
    return object;
}

template <typename Value>
void put(bpf_map* map, std::uint32_t key, const Value& value) {
    if (bpf_map_update_elem(bpf_map__fd(map), &key, &value, BPF_ANY) != 0) {
        fail(std::string("write map ") + bpf_map__name(map));
    }
}

bench_frame headers_of(const support::Bytes& frame) {
    bench_frame headers{};
    headers.v6 = frame.at(12) == 0x86 ? 1 : 0;  // EtherType 0x86dd
    std::copy_n(frame.begin(), std::min(frame.size(), sizeof(headers.bytes)), headers.bytes);
    return headers;
}

}  // namespace

Repeater::Repeater(int program, Arrival arrival, const std::vector<support::Bytes>& frames,
                   bool new_ports)
    : object_(load(), repeat_bpf::destroy),
      arrival_(arrival),
      first_(frames.at(0)),
      frames_(static_cast<unsigned>(frames.size())),
      new_ports_(new_ports) {
    if (!std::has_single_bit(frames.size()) || frames.size() > BENCH_FRAMES) {
        throw std::runtime_error("the number of frames is not a power of two up to 1024");
    }
    for (std::uint32_t i = 0; i < frames_; ++i) {
        put(object_->maps.frames, i, headers_of(frames[i]));
    }
    put(object_->maps.target, 0, program);
}

Repeater::~Repeater() = default;
Repeater::Repeater(Repeater&&) noexcept = default;

double Repeater::run(unsigned turns) {
    // The last turn is on frame 0, which expect() speaks of.
    put(object_->maps.turn, 0,
        bench_turn{.next = (1 - turns) & (frames_ - 1),
                   .mask = frames_ - 1,
                   .new_ports = new_ports_,
                   .reserved = 0});
    __sk_buff context{};
    context.ifindex = arrival_.ifindex;
    context.ingress_ifindex = arrival_.ingress_ifindex;
    support::Bytes out(first_.size() + 256);
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = first_.data(), .data_out = out.data(),
                .data_size_in = static_cast<std::uint32_t>(first_.size()),
                .data_size_out = static_cast<std::uint32_t>(out.size()), .ctx_in = &context,
                .ctx_size_in = sizeof(context), .repeat = static_cast<int>(turns));
    if (bpf_prog_test_run_opts(bpf_program__fd(object_->progs.repeat), &options) != 0) {
        fail("BPF_PROG_TEST_RUN");
    }
    out.resize(options.data_size_out);
    if (static_cast<int>(options.retval) != kNext) {
        throw std::runtime_error("the program under test did not let the packet pass: verdict " +
                                 std::to_string(static_cast<int>(options.retval)));
    }
    if (!expected_.empty() && out != expected_) {
        throw std::runtime_error("the program under test did not rewrite the packet as it must");
    }
    return options.duration;
}

int empty_program() {
    static repeat_bpf* const object = load();  // until the process ends
    return bpf_program__fd(object->progs.empty);
}

double bare_turn(unsigned turns) {
    const support::Bytes frame(BENCH_HEADERS_V6, 0);
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
                .data_size_in = static_cast<std::uint32_t>(frame.size()),
                .repeat = static_cast<int>(turns));
    if (bpf_prog_test_run_opts(empty_program(), &options) != 0) {
        fail("BPF_PROG_TEST_RUN");
    }
    return options.duration;
}

Turn run_once(int program, Arrival arrival, const support::Bytes& frame) {
    __sk_buff context{};
    context.ifindex = arrival.ifindex;
    context.ingress_ifindex = arrival.ingress_ifindex;
    Turn turn;
    turn.frame.resize(frame.size() + 256);
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_out = turn.frame.data(),
                .data_size_in = static_cast<std::uint32_t>(frame.size()),
                .data_size_out = static_cast<std::uint32_t>(turn.frame.size()), .ctx_in = &context,
                .ctx_size_in = sizeof(context));
    if (bpf_prog_test_run_opts(program, &options) != 0) {
        fail("BPF_PROG_TEST_RUN");
    }
    turn.verdict = static_cast<int>(options.retval);
    turn.frame.resize(options.data_size_out);
    return turn;
}

}  // namespace directfaas::bench
