// SPDX-License-Identifier: Apache-2.0
// A random application, as one node's model makes rules of it, and random packets at that node.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "lib/model/model.h"
#include "test/support/packet.h"

namespace directfaas::backend {

inline constexpr int kLocalPods = 4;
/// Where a packet enters or leaves the node, if not at the pod of a number.
inline constexpr int kElsewhere = -1;

/// A packet from one end to another.
struct Sent {
    int from = kElsewhere;
    util::IpAddress source;
    util::IpAddress destination;
    std::uint16_t source_port = 0;  ///< no two openings have the same
    std::uint16_t destination_port = 0;
    std::uint8_t protocol = 6;
    std::uint8_t tcp_flags = support::tcp_flag::kSyn;
    std::uint32_t seq = 1000;
    std::uint32_t ack = 0;

    [[nodiscard]] std::string text() const;
};

/// The frame of a packet between two ends; `text` is what it carries.
support::Bytes frame_of(const Sent& packet, const support::Eth& ethernet,
                        const std::string& text = "x");

class RandomNode {
   public:
    explicit RandomNode(unsigned seed);

    /// The rules if local pod i is behind interfaces[i]. Throws SupportError with the model's
    /// problems if it does not take the objects.
    [[nodiscard]] model::RuleSet rules(const std::vector<unsigned>& interfaces) const;
    /// A packet of no connection that was before.
    Sent opening();
    /// A call by vIP from local pod `pod`.
    Sent call(int pod, const model::RouteKey& route);
    [[nodiscard]] static util::IpAddress pod_address(int pod, bool v4);

   private:
    int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
    bool chance(int percent) { return below(100) < percent; }
    void add_chain();
    void add_service(int function);
    void add_slices(int function);
    void add_pods();
    [[nodiscard]] model::Labels labels(int pod) const;
    util::IpAddress any_destination(int from, bool v4);

    std::mt19937 random_;
    std::vector<int> function_of_;  // of each pod
    std::vector<model::OriginContent> objects_;
    std::uint16_t next_port_ = 20000;
};

}  // namespace directfaas::backend
