// SPDX-License-Identifier: Apache-2.0
// The real switch, loaded by the real backend for an application of any size, with connections
// opened through it packet by packet.
#pragma once

#include <memory>
#include <string>

#include "agent/backend/backend.h"
#include "bench/many_functions.h"
#include "bench/repeater.h"
#include "lib/util/unique_fd.h"

namespace directfaas::bench {

/// One frame of an established connection at each place it passes: as it arrives there and as it
/// must leave.
struct Passage {
    support::Bytes arrives;
    support::Bytes leaves;
};
struct Connection {
    Passage call;    // caller's from_pod: to the vIP
    Passage answer;  // caller's to_pod: from the instance
    Passage serve;   // callee's to_pod
    Passage reply;   // callee's from_pod
};

class SwitchUnderTest {
   public:
    /// Interfaces must exist in this process's network namespace. Throws std::runtime_error.
    SwitchUnderTest(const std::string& instance, unsigned functions, unsigned caller_ifindex,
                    unsigned callee_ifindex);
    SwitchUnderTest(const SwitchUnderTest&) = delete;
    SwitchUnderTest& operator=(const SwitchUnderTest&) = delete;
    ~SwitchUnderTest();

    [[nodiscard]] int from_pod() const { return from_pod_.get(); }
    [[nodiscard]] int to_pod() const { return to_pod_.get(); }
    [[nodiscard]] Arrival at_caller() const { return {caller_, callee_}; }
    [[nodiscard]] Arrival at_callee() const { return {callee_, caller_}; }

    /// Opens a connection of function 0 to `function` from `port` (host order, above
    /// kEstablishedPorts) at the caller's veth and, if it is function 1, at the callee's.
    Connection open(unsigned function, bool v6, std::uint16_t port);
    /// Forgets connections with client ports below kEstablishedPorts.
    void forget_new();

   private:
    Passage pass(int program, Arrival arrival, const support::Bytes& frame) const;

    std::unique_ptr<backend::Backend> backend_;
    unsigned caller_;
    unsigned callee_;
    util::UniqueFd from_pod_;
    util::UniqueFd to_pod_;
    util::UniqueFd connections_;
};

/// Client ports of connections that stay; those below are for new ones (bench/bpf/frames.h).
inline constexpr std::uint16_t kEstablishedPorts = 40000;

/// A TCP segment; addresses may be of either family. 200 bytes of payload unless it opens.
support::Bytes segment(const util::IpAddress& from, std::uint16_t sport, const util::IpAddress& to,
                       std::uint16_t dport, std::uint8_t flags);

}  // namespace directfaas::bench
