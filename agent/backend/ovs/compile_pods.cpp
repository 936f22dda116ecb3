// SPDX-License-Identifier: Apache-2.0
// The pods of this node: what comes from their port, and what goes there.
#include "agent/backend/ovs/building.h"
#include "agent/backend/ovs/records.h"

namespace directfaas::backend::ovs {
namespace {

struct Pod {
    const State& state;
    const PodPlace& place;
    const model::AttachRule& rule;
    const Mac& bridge_mac;

    [[nodiscard]] Match from_here() const { return Match().with(Field::kInPort, place.port); }
    /// Delivers into the pod.
    [[nodiscard]] Actions deliver(std::uint32_t port) const {
        return Actions()
            .set(Field::kEthSource, bridge_mac)
            .set(Field::kEthDestination, place.mac)
            .output(port);
    }
};

void add_sender(FlowList& list, const Pod& pod, const model::ObjectName& name) {
    std::uint32_t bits = kFromPod;
    bits |= pod.rule.adopted ? kAdopted : 0;
    bits |= pod.rule.identity.kind == model::IdentityKind::kEntry ? kEntry : 0;
    Actions known = Actions().note(pod_record(name, pod.rule, pod.place));
    known.set(field::kFrom, pod.state.known(pod.rule.identity));
    known.set(field::kOwn, pod.place.zone).set(field::kNext, pod.place.zone);
    list.add(table::kClassify, 1100, pod.from_here(), raise(known, bits).resubmit(table::kSpoof));
    Actions tagged;
    raise(tagged, kFromPod).set(field::kReason, DF_REASON_VLAN).resubmit(table::kTally);
    list.add(table::kClassify, 1200, pod.from_here().with(Field::kVlan, 0x1000, 0x1000), tagged);
    list.add(table::kSelfOut, 100, pod.from_here(), pod.deliver(kPortIn));
}

void add_own_source(FlowList& list, const Pod& pod, const util::IpAddress& address) {
    list.add(table::kSpoof, 200, pod.from_here().source(address), go(table::kZone));
    const Actions pass = Actions().output(kPortNormal);
    const std::span<const std::uint8_t> bytes(address.bytes());
    if (address.is_v4()) {
        list.add(table::kSpoof, 200,
                 pod.from_here().arp().bytes(Field::kArpSource, bytes.subspan(12)), pass);
    } else {
        Match advertised = icmp6(pod.from_here(), 136);
        list.add(table::kSpoof, 220, advertised.bytes(Field::kNdTarget, bytes), pass);
    }
}

void add_receiver(FlowList& list, const Pod& pod, const util::IpAddress& address) {
    Actions in = Actions().set(field::kTo, pod.state.callee(pod.rule.identity));
    in.set(field::kZone, pod.place.zone).set(field::kNext, pod.place.zone + kZoneAccept);
    in.resubmit(table::kSource);
    list.add(table::kClassify, 1000, Match().destination(address), look_up(in, table::kSecond));
    Actions from_neighbour = Actions().set(field::kZone, pod.place.zone);
    list.add(table::kZone, 100, Match().destination(address),
             look_up(from_neighbour, table::kSecond));
    list.add(table::kOutput, 100, Match().destination(address), pod.deliver(pod.place.port));
    // A call to oneself gets another source on its way back, or its answer would never leave the
    // pod.
    Match answer = pod.from_here();
    answer.destination(address).with(Field::kCtState, kReply | kTracked, kReply | kTracked);
    list.add(table::kOutput, 210, answer, pod.deliver(kPortIn));
    Actions self;
    self.track(
        {.zone = kZoneSelf,
         .next_table = table::kSelfOut,
         .commit = true,
         .translation = NatTarget{NatTarget::End::kSource, self_address(address.is_v4()), 0}});
    list.add(table::kOutput, 205, pod.from_here().destination(address), self);
}

}  // namespace

Flows pod_flows(const State& state, const model::ObjectName& name, const model::AttachRule& rule,
                const Mac& bridge_mac) {
    const PodPlace& place = state.pods.at(name);
    const Pod pod{state, place, rule, bridge_mac};
    FlowList list(Owner::kPod, place.zone);
    add_sender(list, pod, name);
    for (const auto& address : rule.addresses) {
        add_own_source(list, pod, address);
        add_receiver(list, pod, address);
    }
    return list.take();
}

}  // namespace directfaas::backend::ovs
