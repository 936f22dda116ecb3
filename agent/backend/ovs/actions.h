// SPDX-License-Identifier: Apache-2.0
// What a flow does: OpenFlow 1.5 actions and Open vSwitch's extensions of them (ovs-actions(7)).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/backend/ovs/match.h"
#include "agent/backend/ovs/wire.h"
#include "agent/backend/veth.h"
#include "lib/util/address.h"

namespace directfaas::backend::ovs {

inline constexpr std::uint32_t kPortIn = 0xfffffff8;
inline constexpr std::uint32_t kPortNormal = 0xfffffffa;
inline constexpr std::uint32_t kPortController = 0xfffffffd;
inline constexpr std::uint32_t kPortLocal = 0xfffffffe;
inline constexpr std::uint32_t kPortAny = 0xffffffff;

/// Where an address translation leads. Port 0: unchanged. A translation that changes nothing must
/// not be asked for: Open vSwitch 3.1 looks such a connection up wrongly and aborts.
struct NatTarget {
    enum class End : std::uint8_t { kSource = 1, kDestination = 2 };
    End end{};
    util::IpAddress address;
    std::uint16_t port = 0;
};

/// A pass through the connection tracker.
struct Tracking {
    /// Number of the zone, or the register that has it.
    std::uint16_t zone = 0;
    std::optional<Field> zone_register{};
    std::uint8_t next_table = 0xff;  ///< 0xff: the packet is not looked at again
    bool commit = false;
    bool translate = false;                  ///< apply the translation of a known connection
    std::optional<NatTarget> translation{};  ///< of a new one
};

/// A flow that the switch itself adds, or makes young again, when a packet meets the action.
struct Learning {
    std::uint8_t table = 0;
    std::uint16_t priority = 0;
    std::uint64_t cookie = 0;
    std::uint32_t limit = 0;     ///< flows of this table and cookie; then no more are added
    std::uint16_t lifetime = 0;  ///< seconds after the last such packet; 0: for good
    struct Given {
        Field field{};
        std::uint16_t value = 0;
    };
    std::vector<Given> given{};   ///< it matches these; what its fields need before them
    std::vector<Field> fields{};  ///< it matches the packet's values of these
    /// A bit of a register that it sets.
    struct Bit {
        Field field{};
        unsigned number = 0;
    };
    std::optional<Bit> raises{};
};

class Actions {
   public:
    Actions& set(Field field, std::uint64_t value);
    Actions& set(Field field, std::uint64_t value, std::uint64_t mask);
    Actions& set(Field field, const Mac& mac);
    /// Copies bits from one field into another.
    Actions& copy(Field from, unsigned from_bit, Field to, unsigned to_bit, unsigned bits);
    Actions& resubmit(std::uint8_t table);
    Actions& output(std::uint32_t port);
    /// Sends the packet, whole, to the connections that chose this id.
    Actions& punt(std::uint16_t controller_id);
    Actions& meter(std::uint32_t id);
    Actions& group(std::uint32_t id);
    /// `nested` runs when the connection is committed; it may set ct_mark and ct_label.
    Actions& track(const Tracking& tracking, const Actions& nested = {});
    Actions& learn(const Learning& learning);
    /// Bytes without effect that are there for whoever reads the flow back.
    Actions& note(std::string_view text);

    [[nodiscard]] const Bytes& bytes() const { return out_.bytes(); }

   private:
    Writer out_;
};

/// The text of the first note among these actions.
std::optional<std::string> find_note(std::span<const std::uint8_t> actions);

}  // namespace directfaas::backend::ovs
