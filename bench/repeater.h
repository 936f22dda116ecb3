// SPDX-License-Identifier: Apache-2.0
// BPF_PROG_TEST_RUN many times over, with the headers written anew before each turn
// (bench/bpf/repeat.bpf.c).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "test/support/packet.h"

struct repeat_bpf;

namespace directfaas::bench {

/// Verdict of our programs for what they let pass: TC_ACT_UNSPEC, the next program decides.
inline constexpr int kNext = -1;

/// What the kernel is told of a frame besides its bytes.
struct Arrival {
    std::uint32_t ifindex = 0;
    std::uint32_t ingress_ifindex = 0;  // to_pod: 0 means "from the node itself"
};

struct Turn {
    int verdict = 0;
    support::Bytes frame;  // as it left
};

class Repeater {
   public:
    /// Repeats `program` on `frames` in turn (a power of two, at most 1024, all of the same
    /// length); `new_ports` gives each turn another source port. Throws std::runtime_error.
    Repeater(int program, Arrival arrival, const std::vector<support::Bytes>& frames,
             bool new_ports = false);
    ~Repeater();
    Repeater(Repeater&&) noexcept;
    Repeater& operator=(Repeater&&) = delete;

    /// ns per turn. Throws if the last turn's verdict was not "next", or if the frame that left
    /// differs from what it must be: a benchmark of drops would look fast.
    double run(unsigned turns);
    /// The frame that must leave when frame 0 arrives last; none: not checked.
    void expect(support::Bytes frame) { expected_ = std::move(frame); }

   private:
    std::unique_ptr<repeat_bpf, void (*)(repeat_bpf*)> object_;
    Arrival arrival_;
    support::Bytes first_;
    unsigned frames_;
    bool new_ports_;
    support::Bytes expected_;
};

/// The program that does nothing, loaded alike: what Repeater itself costs. Owned by the process.
int empty_program();

/// ns per turn of the program that does nothing, without a Repeater around it: what
/// BPF_PROG_TEST_RUN reports for nothing.
double bare_turn(unsigned turns);

/// One packet through a program.
Turn run_once(int program, Arrival arrival, const support::Bytes& frame);

}  // namespace directfaas::bench
