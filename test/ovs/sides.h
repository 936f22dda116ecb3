// SPDX-License-Identifier: Apache-2.0
// The two switches as one who sends packets and looks at what comes out sees them.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "agent/backend/backend.h"
#include "test/ovs/fixture.h"
#include "test/ovs/random_node.h"
#include "test/support/packet_inspect.h"

namespace directfaas::backend {

/// What became of a packet.
struct Outcome {
    enum class End : std::uint8_t { kDropped, kForwarded, kRefused, kHeld };
    End end = End::kDropped;
    int to = kElsewhere;             // of kForwarded
    support::ParsedPacket packet{};  // what came out: kForwarded; the answer: kRefused
};

/// Verdict, reason, caller, callee, caller's port.
using Told = std::tuple<std::string, std::string, std::string, std::string, std::uint16_t>;

/// What both switches tell besides packets.
struct Report {
    std::set<Told> told;
    std::map<std::uint16_t, HeldPacket> held;  // by caller's port, as last held
    [[nodiscard]] EventSink sink();
};

/// The eBPF programs as the backend attached them, packet by packet through BPF_PROG_TEST_RUN.
class EbpfSide {
   public:
    EbpfSide();
    EbpfSide(const EbpfSide&) = delete;
    EbpfSide& operator=(const EbpfSide&) = delete;
    ~EbpfSide();

    [[nodiscard]] const std::vector<unsigned>& interfaces() const { return interfaces_; }
    void make(const model::RuleSet& rules, const Settings& settings);
    /// Enters the node at pod `from` or from elsewhere, and goes on to the pod it is for.
    Outcome send(int from, const support::Bytes& frame);
    const Report& report();
    Counters counters();

   private:
    struct Ran {
        int verdict = 0;
        support::Bytes frame;
    };
    Ran run(int pod, bool from_pod, const support::Bytes& frame);
    std::optional<Outcome> ended(const Ran& ran);

    support::Netns node_;
    std::string instance_;
    std::vector<unsigned> interfaces_;
    std::unique_ptr<Backend> backend_;
    Report report_;
};

/// Sends and receives whole frames at an interface, apart from what the node itself sends there.
class Wire {
   public:
    Wire(const support::Netns& netns, const std::string& interface);
    void send(const support::Bytes& frame) const;
    /// Everything that has come, parsed; frames that are neither IPv4 nor IPv6 are left out.
    [[nodiscard]] std::vector<support::ParsedPacket> receive() const;

   private:
    util::UniqueFd socket_;
};

/// A real ovs-vswitchd with the userspace datapath; frames go in and come out at its ports.
class OvsSide : public ovs::OvsTest {
   public:
    OvsSide();
    void TestBody() override {}

    [[nodiscard]] const std::vector<unsigned>& interfaces() const { return interfaces_; }
    void make_all(const model::RuleSet& rules, const Settings& settings);
    /// The Ethernet header of a frame that enters there.
    [[nodiscard]] support::Eth ethernet(int from) const;
    void send(int from, const support::Bytes& frame);
    /// The next packet at that place; fails if none comes.
    std::optional<support::ParsedPacket> next_at(int place);
    /// The next packet wherever it comes; `place` is where.
    std::optional<support::ParsedPacket> next_anywhere(int& place);
    /// Waits until the call of that port was handed to the agent.
    bool wait_held(std::uint16_t source_port);
    /// Gives the packet back to be judged again.
    void replay_held(std::uint16_t source_port);
    /// Packets that nobody has taken.
    std::vector<std::string> left();
    const Report& report();
    Counters counters();

   private:
    void poll();
    [[nodiscard]] std::size_t wire_of(int place) const {
        return static_cast<std::size_t>(place == kElsewhere ? kLocalPods : place);
    }

    std::vector<unsigned> interfaces_;
    std::vector<Wire> wires_;  // of the pods, then elsewhere
    std::vector<std::vector<support::ParsedPacket>> arrived_;
    Report report_;
};

/// What matters of a packet that came out, as text.
std::string describe(const support::ParsedPacket& packet);

}  // namespace directfaas::backend
