// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/punts.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>

#include <utility>

#include "agent/backend/ovs/found.h"
#include "agent/backend/ovs/tables.h"
#include "lib/util/log.h"

namespace directfaas::backend::ovs {
namespace {

using util::Result;

std::optional<std::uint32_t> port_of_ifindex(const State& state, unsigned ifindex) {
    for (const auto& [pod, rule] : state.rules.attachments) {
        if (rule.ifindex == ifindex) {
            return state.pods.at(pod).port;
        }
    }
    return std::nullopt;
}

std::chrono::nanoseconds now() {
    return std::chrono::steady_clock::now().time_since_epoch();  // CLOCK_MONOTONIC
}

}  // namespace

Result<Punts> Punts::create() {
    Punts punts;
    punts.epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
    if (!punts.epoll_.valid()) {
        return util::fail_errno("making an epoll descriptor");
    }
    return punts;
}

Result<void> Punts::open(const std::string& management_socket) {
    auto opened = OpenFlow::open(management_socket);
    if (!opened) {
        return std::unexpected(opened.error());
    }
    openflow_ = std::move(*opened);
    refused_ = Clock::now();  // nobody knows what was before
    if (auto sent = openflow_.execute({set_controller_id(kControllerId), set_config()}); !sent) {
        return sent;
    }
    epoll_event event{};
    event.events = EPOLLIN;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, openflow_.fd(), &event) != 0) {
        return util::fail_errno("watching the bridge");
    }
    return {};
}

Punts::Taken Punts::take(const State& state, const Settings& settings) {
    event_rate_ = settings.event_rate;
    Taken taken;
    if (!connected()) {
        return taken;
    }
    const auto done = openflow_.receive([&](Header header, std::span<const std::uint8_t> message) {
        if (header.type == MessageType::kPacketIn) {
            take_one(message, state, taken);
        } else if (header.type == MessageType::kError) {
            util::log::debug("the bridge refused a message: {}", error_text(message));
        }
    });
    if (!done) {
        util::log::debug("packets from the bridge: {}", done.error().text());
    }
    return taken;
}

void Punts::take_one(std::span<const std::uint8_t> message, const State& state, Taken& taken) {
    auto in = read_packet_in(message);
    const auto packet = in ? parse_packet(in->frame) : std::nullopt;
    if (!packet) {
        return;
    }
    const auto opened = opened_as(in->fields, packet->flow);
    const Found found{std::move(*in), *packet, opened, state};
    switch (static_cast<Punt>(found.value(field::kPunt))) {
        case Punt::kRefuse:
            refuse(found);
            tell(found, DF_VERDICT_REFUSE, taken);
            break;
        case Punt::kHold:
            hold(found, HeldPacket::Kind::kNoInstance, taken);
            break;
        case Punt::kHoldSource:
            hold(found, HeldPacket::Kind::kUnknownSource, taken);
            break;
        case Punt::kReset:
            swallow_reset(found, taken);
            break;
        case Punt::kChooseAgain:
            choose_again(found);
            break;
        case Punt::kAudit:
            tell(found, DF_VERDICT_AUDIT, taken);
            break;
        case Punt::kTrace:
            tell(found, DF_VERDICT_PASS, taken);
            break;
    }
}

bool Punts::refused_lately(const Settings& settings) const {
    // Revalidators go over the datapath's cache twice a second.
    constexpr std::chrono::seconds kCountedAfter{2};
    pollfd waiting{openflow_.fd(), POLLIN, 0};
    return settings.deny_silently || Clock::now() - refused_ < kCountedAfter ||
           ::poll(&waiting, 1, 0) != 0;
}

void Punts::refuse(const Found& found) {
    refused_ = Clock::now();
    if (const auto answer = refusal(found.in.frame, found.as_sent())) {
        // What was replayed as if from the node may have come from another port.
        const bool from_pod = (found.value(field::kFlags) & kFromPod) != 0;
        const Actions out = Actions().output(from_pod ? found.port() : kPortNormal);
        static_cast<void>(openflow_.send(packet_out(kPortController, out, *answer)));
    }
    // The next packet of these ports is judged like a first one.
    if (found.known()) {
        forget(found);
    }
}

void Punts::forget(const Found& found) {
    const FlowTuple& opened = *found.opened;
    const auto zone = static_cast<std::uint16_t>(found.value(field::kZone));
    static_cast<void>(openflow_.send(flush_connection(
        zone, opened.protocol,
        {opened.source, opened.destination, opened.source_port, opened.destination_port})));
}

void Punts::hold(const Found& found, HeldPacket::Kind kind, Taken& taken) {
    HeldPacket held;
    held.kind = kind;
    held.time = now();
    held.flow = found.packet.flow;
    held.ifindex = kind == HeldPacket::Kind::kNoInstance
                       ? ifindex_of_port(found.state, found.port())
                       : ifindex_of_address(found.state, found.packet.flow.destination);
    held.callers_try = (found.value(field::kFlags) & kKept) != 0;
    held.from = name_of(found.state, found.value(field::kFrom));
    held.to = name_of(found.state, found.value(field::kTo));
    held.frame.assign(found.in.frame.begin(), found.in.frame.end());
    taken.held.push_back(std::move(held));
    tell(found, DF_VERDICT_HOLD, taken);
}

void Punts::swallow_reset(const Found& found, Taken& taken) {
    // The tracker has seen the reset, so the next try opens a connection of its own. Forgetting it
    // here could meet that one already: the call may have been sent on again meanwhile.
    if (!found.opened) {
        return;
    }
    HeldPacket held;
    held.kind = HeldPacket::Kind::kReset;
    held.time = now();
    held.flow = *found.opened;
    held.ifindex = ifindex_of_address(found.state, found.opened->source);
    taken.held.push_back(std::move(held));
}

/// A datagram to an instance that is gone: its flow may move to another.
void Punts::choose_again(const Found& found) {
    if (!found.known()) {
        return;
    }
    forget(found);
    Bytes frame(found.in.frame.begin(), found.in.frame.end());
    readdress(frame, *found.opened);
    const Actions again = Actions().resubmit(table::kClassify);
    static_cast<void>(openflow_.send(packet_out(found.port(), again, frame)));
}

bool Punts::event_allowed() {
    const auto time = Clock::now();
    if (time - refilled_ > std::chrono::seconds(1)) {
        refilled_ = time;
        tokens_ = event_rate_;
    }
    if (tokens_ == 0) {
        ++events_lost_;
        return false;
    }
    --tokens_;
    return true;
}

void Punts::tell(const Found& found, df_verdict verdict, Taken& taken) {
    if (!event_allowed()) {
        return;
    }
    FlowEvent event;
    event.time = now();
    event.flow = found.opened && verdict == DF_VERDICT_PASS ? *found.opened : found.as_sent();
    if (verdict == DF_VERDICT_PASS) {
        event.instance = found.packet.flow.destination;
        event.instance_port = found.packet.flow.destination_port;
    }
    event.verdict = verdict;
    event.reason = verdict == DF_VERDICT_PASS ? DF_REASON_FORWARDED : found.reason();
    const bool from_pod = (found.value(field::kFlags) & kFromPod) != 0;
    event.hook = from_pod ? DF_HOOK_FROM_POD : DF_HOOK_TO_POD;
    event.from = name_of(found.state, found.value(field::kFrom));
    event.to = name_of(found.state, found.value(field::kTo));
    event.ifindex = from_pod ? ifindex_of_port(found.state, found.port())
                             : ifindex_of_address(found.state, found.packet.flow.destination);
    event.length = static_cast<std::uint32_t>(found.in.frame.size());
    taken.events.push_back(event);
}

/// The kernel's datapath asks ovs-vswitchd about the first one, and takes what comes meanwhile for
/// first ones, too: they would count as calls.
bool Punts::follows(const HeldPacket& packet) {
    constexpr std::chrono::milliseconds kAtOnce{20};
    const auto before = std::exchange(replayed_at_, Clock::now());
    const bool same = std::exchange(replayed_, packet.flow) == packet.flow;
    return same && packet.flow.protocol == IPPROTO_UDP && replayed_at_ - before < kAtOnce;
}

Result<void> Punts::replay(const State& state, const HeldPacket& packet, ReplayAction action) {
    std::uint32_t port = kPortLocal;
    if (packet.kind == HeldPacket::Kind::kNoInstance) {
        const auto found = port_of_ifindex(state, packet.ifindex);
        if (!found) {
            return util::fail_errno("interface " + std::to_string(packet.ifindex) +
                                        " of a held packet is not attached any more",
                                    ENODEV);
        }
        port = *found;
    }
    std::uint32_t bits = kReplayed;
    bits |= action == ReplayAction::kRefuse ? kGiveUp : 0;
    bits |= follows(packet) ? kUncounted : 0;
    Actions again = Actions().set(field::kFlags, bits, bits);
    again.resubmit(table::kClassify);
    return openflow_.send(packet_out(port, again, packet.frame));
}

}  // namespace directfaas::backend::ovs
