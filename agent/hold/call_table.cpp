// SPDX-License-Identifier: Apache-2.0
#include "agent/hold/call_table.h"

namespace directfaas::hold {
namespace {

bool from_source(const backend::HeldPacket& packet) {
    return packet.kind == backend::HeldPacket::Kind::kUnknownSource;
}

}  // namespace

CallTable::CallTable(const HoldOptions& options)
    : options_(options),
      to_functions_{options.max_total, options.max_bytes},
      from_sources_{options.max_sources, options.max_source_bytes},
      sent_on_{options.max_total, options.max_bytes} {}

Call* CallTable::find(const CallKey& key) {
    const auto found = calls_.find(key);
    return found == calls_.end() ? nullptr : &found->second;
}

bool CallTable::fits(const backend::HeldPacket& packet) const {
    const auto& room = from_source(packet) ? from_sources_ : to_functions_;
    if (room.calls >= room.max_calls || room.bytes + packet.frame.size() > room.max_bytes) {
        return false;
    }
    const auto function = by_function_.find(packet.to);
    return from_source(packet) || function == by_function_.end() ||
           function->second < options_.max_per_function;
}

Call& CallTable::add(backend::HeldPacket packet) {
    const CallKey key{packet.ifindex, packet.flow};
    auto& call = calls_[key];
    call.key = key;
    call.kind = packet.kind;
    call.from = packet.from;
    call.to = packet.to;
    call.bytes = packet.frame.size();
    call.packets.push_back(std::move(packet));
    account(call, 1);
    return call;
}

void CallTable::erase(Call& call) {
    account(call, -1);
    if (call.state == CallState::kSent) {
        sent_.erase(call.place);
    }
    const CallKey key = call.key;
    calls_.erase(key);
}

bool CallTable::append(Call& call, backend::HeldPacket packet) {
    const auto& room = pool(call);
    const bool replaces = call.is_tcp();
    if (!replaces && (call.packets.size() >= options_.max_datagrams ||
                      room.bytes + packet.frame.size() > room.max_bytes)) {
        return false;
    }
    if (replaces) {
        remove_packets(call, call.packets.size());
    }
    set_bytes(call, call.bytes + packet.frame.size());
    call.packets.push_back(std::move(packet));
    return true;
}

void CallTable::remove_packets(Call& call, std::size_t count) {
    const auto end = call.packets.begin() + static_cast<std::ptrdiff_t>(count);
    std::size_t freed = 0;
    for (auto at = call.packets.begin(); at != end; ++at) {
        freed += at->frame.size();
    }
    set_bytes(call, call.bytes - freed);
    call.packets.erase(call.packets.begin(), end);
}

void CallTable::set_state(Call& call, CallState state) {
    account(call, -1);
    if (call.state == CallState::kSent) {
        sent_.erase(call.place);
    }
    call.state = state;
    if (state == CallState::kSent) {
        call.place = sent_.insert(sent_.end(), &call);
    }
    account(call, 1);
}

Call* CallTable::surplus() const {
    const bool too_many =
        sent_on_.calls > sent_on_.max_calls || sent_on_.bytes > sent_on_.max_bytes;
    return too_many ? sent_.front() : nullptr;
}

std::size_t CallTable::bytes() const {
    return to_functions_.bytes + from_sources_.bytes + sent_on_.bytes;
}

CallTable::Pool& CallTable::pool(const Call& call) {
    if (call.state == CallState::kSent) {
        return sent_on_;
    }
    return call.is_source() ? from_sources_ : to_functions_;
}

void CallTable::set_bytes(Call& call, std::size_t bytes) {
    pool(call).bytes += bytes - call.bytes;
    call.bytes = bytes;
}

void CallTable::account(const Call& call, int sign) {
    auto& room = pool(call);
    const auto step = static_cast<std::size_t>(sign);  // wraps back for -1
    room.calls += step;
    room.bytes += step * call.bytes;
    if (call.state != CallState::kSent && !call.is_source()) {
        auto& held = by_function_[call.to];
        held += step;
        if (held == 0) {
            by_function_.erase(call.to);
        }
    }
}

}  // namespace directfaas::hold
