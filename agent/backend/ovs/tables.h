// SPDX-License-Identifier: Apache-2.0
// The names of the pipeline's tables, registers and marks. docs/ovs.md walks through them.
#pragma once

#include <cstdint>

#include "agent/backend/ovs/match.h"

namespace directfaas::backend::ovs {

/// Table 0 is shared with whoever else uses the bridge: ours there are of priority kTop and up, and
/// one that lets everything else pass. The others are ours alone.
namespace table {
inline constexpr std::uint8_t kClassify = 0;    // who sends it?
inline constexpr std::uint8_t kSpoof = 100;     // may the pod use this source address?
inline constexpr std::uint8_t kZone = 101;      // whose connection could it be?
inline constexpr std::uint8_t kSource = 102;    // from elsewhere: whose address is it?
inline constexpr std::uint8_t kSecond = 103;    // not known there: then in the other zone
inline constexpr std::uint8_t kState = 104;     // new, known, broken?
inline constexpr std::uint8_t kNewIn = 105;     // opens a connection, from elsewhere
inline constexpr std::uint8_t kLiveEdge = 106;  // known: is its edge still allowed?
inline constexpr std::uint8_t kLiveEnd = 107;   // known: is its instance still there?
inline constexpr std::uint8_t kCallee = 108;    // opens a connection, from a pod: to whom?
inline constexpr std::uint8_t kPort = 109;      // to a pod's own address: is the port declared?
inline constexpr std::uint8_t kEdge = 110;      // is there an edge?
inline constexpr std::uint8_t kPortOk = 111;    // an edge, and the port?
inline constexpr std::uint8_t kCall = 112;      // what kind of packet to whom
inline constexpr std::uint8_t kAccept = 113;    // choose an instance, open the connection
inline constexpr std::uint8_t kDeny = 114;      // what the callee's chains say about enforcement
inline constexpr std::uint8_t kPair = 115;      // counts denials by caller and callee
inline constexpr std::uint8_t kKeep = 116;      // nobody to call yet: the agent keeps the packet
inline constexpr std::uint8_t kCount = 117;     // the connection is open: count it
inline constexpr std::uint8_t kOutput = 118;    // where to
inline constexpr std::uint8_t kRefuse = 119;    // answer the sender, through the agent
inline constexpr std::uint8_t kTally = 120;     // counts packets by reason
inline constexpr std::uint8_t kTrace = 121;     // copies of what is opened, while somebody observes
inline constexpr std::uint8_t kFunction = 122;  // counts calls by function and what became of them
inline constexpr std::uint8_t kSelfOut = 123;   // a call to oneself, on its way back into the pod
inline constexpr std::uint8_t kSelfIn = 124;    // the answer to one
inline constexpr std::uint8_t kKept = 125;      // calls that the agent keeps, or has just sent on
inline constexpr std::uint8_t kNever = 200;     // no packet comes here: what the agent reads back
}  // namespace table

namespace field {
inline constexpr Field kFrom = reg(0);     // caller's identity, 0: outside
inline constexpr Field kTo = reg(1);       // callee's identity, 0: no function
inline constexpr Field kMark = reg(2);     // what ct_mark will be
inline constexpr Field kRoute = reg(3);    // vIP and port
inline constexpr Field kZone = reg(4);     // zone of the connection
inline constexpr Field kOwn = reg(5);      // zone of the sending pod
inline constexpr Field kReason = reg(6);   // enum df_reason
inline constexpr Field kFlags = reg(7);    // kFromPod ...
inline constexpr Field kTold = reg(8);     // enum FunctionTold
inline constexpr Field kPunt = reg(9);     // enum Punt
inline constexpr Field kChosen = reg(10);  // endpoint, for events
inline constexpr Field kNext = reg(11);  // zone to look in when the first does not know the packet
}  // namespace field

/// Bits of register kFlags.
inline constexpr std::uint32_t kFromPod = 1U << 0;   // from a pod that is attached
inline constexpr std::uint32_t kReplayed = 1U << 1;  // the agent sends it again ...
inline constexpr std::uint32_t kGiveUp =
    1U << 2;  // ... for the last time: to be refused where it would be held
inline constexpr std::uint32_t kToVip = 1U << 3;  // the destination is a vIP
inline constexpr std::uint32_t kDeclared = 1U
                                           << 4;  // the port is one of the function's target ports
/// Counted at its caller's own node, or with the datagram sent on just before it.
inline constexpr std::uint32_t kUncounted = 1U << 5;
inline constexpr std::uint32_t kAdopted = 1U << 6;  // of a pod that may have older connections
inline constexpr std::uint32_t kEntry = 1U << 7;    // of a pod of an entry
inline constexpr std::uint32_t kToAudit = 1U << 9;  // no edge allows it; to be counted
inline constexpr unsigned kKeptBit = 8;
inline constexpr std::uint32_t kKept = 1U << kKeptBit;  // its caller sends what the agent keeps

/// Why a packet is sent to the agent.
enum class Punt : std::uint32_t {
    kRefuse = 1,
    kHold = 2,
    kHoldSource = 3,
    kReset = 4,
    kChooseAgain = 5,
    kAudit = 6,
    kTrace = 7,
};

enum class FunctionTold : std::uint32_t {
    kDenied = 1,
    kAudited = 2,
    kHeld = 3,
    kNoEndpoint = 4,
    kOpened = 5,  // without an edge: openPorts, Audit, Disabled
};

/// Identities: 0 is outside, functions and entries count from kFirstIdentity.
inline constexpr std::uint32_t kOutside = 0;
inline constexpr std::uint32_t kNodeItself = 1;
inline constexpr std::uint32_t kFirstIdentity = 16;

/// ct_mark: which edge let the connection in. Every connection of ours has one.
inline constexpr std::uint32_t kMarkNoEdge = 1;  // openPorts, Audit, Disabled
inline constexpr std::uint32_t kMarkFree = 2;    // to what is no function
inline constexpr std::uint32_t kFirstEdge = 16;
inline constexpr std::uint32_t kMarkUncounted = 1U << 31;

/// ct_label: bits 0-31 are the endpoint (0: none), bit 32 says that the agent replayed the call and
/// the instance has not answered yet.
inline constexpr unsigned kLabelReplayedBit = 32;

/// Zones of the connection tracker: two for each pod, one for calls to oneself. An even one has the
/// calls that the pod makes, the odd one after it those it accepts from elsewhere: so a flood from
/// outside keeps no pod from calling, and each has its own limit.
inline constexpr std::uint16_t kZoneSelf = 0xcfff;
inline constexpr std::uint16_t kZoneFirst = 0xd000;
inline constexpr std::uint16_t kZoneCount = 0x2000;
inline constexpr std::uint16_t kZoneAccept = 1;

inline constexpr std::uint32_t kPairsMax = 4096;  // denied pairs that are counted one by one
/// Calls that the switch knows to be kept by the agent, and for how many seconds after it last
/// found nobody to call: longer than a caller's kernel pauses between two tries (1, 2, 4 ... 32 s).
/// Not for good, as no such call comes through while no agent runs.
inline constexpr std::uint32_t kKeptMax = 8192;
inline constexpr std::uint16_t kKeptSeconds = 60;
inline constexpr std::uint16_t kControllerId = 0xdfaa;
inline constexpr std::uint32_t kGroupBase = 0xdf00'0000;
inline constexpr std::uint32_t kMeterRefuse = 57001;
inline constexpr std::uint32_t kMeterHold = 57002;
inline constexpr std::uint32_t kMeterReport = 57003;

}  // namespace directfaas::backend::ovs
