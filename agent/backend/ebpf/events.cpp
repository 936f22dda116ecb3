// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/events.h"

#include <bpf/libbpf.h>

#include <cstring>
#include <span>

#include "agent/backend/ebpf/encode.h"

namespace directfaas::backend::ebpf {

using util::fail_errno;
using util::Result;

void Events::FreeRings::operator()(ring_buffer* rings) const { ring_buffer__free(rings); }

Result<std::unique_ptr<Events>> Events::open(const Tables& tables, const Identities& identities) {
    std::unique_ptr<Events> events(new Events(identities));
    events->rings_.reset(ring_buffer__new(tables.held.fd(), on_held, events.get(), nullptr));
    if (events->rings_ == nullptr) {
        return fail_errno("mapping ring buffer `held`");
    }
    if (const int status =
            ring_buffer__add(events->rings_.get(), tables.events.fd(), on_event, events.get());
        status != 0) {
        return fail_errno("mapping ring buffer `events`", -status);
    }
    return events;
}

int Events::fd() const { return ring_buffer__epoll_fd(rings_.get()); }

void Events::drain(const EventSink& sink) {
    sink_ = &sink;
    ring_buffer__consume(rings_.get());
    sink_ = nullptr;
}

int Events::on_event(void* self, void* data, std::size_t size) {
    const auto& events = *static_cast<Events*>(self);
    df_event event{};
    if (size < sizeof(event) || !events.sink_->flow) {
        return 0;
    }
    std::memcpy(&event, data, sizeof(event));
    auto flow = decode(event);
    flow.from = events.identities_->name(event.from);
    flow.to = events.identities_->name(event.to);
    events.sink_->flow(flow);
    return 0;
}

int Events::on_held(void* self, void* data, std::size_t size) {
    const auto& events = *static_cast<Events*>(self);
    auto packet = decode_held({static_cast<const std::uint8_t*>(data), size});
    if (!packet || !events.sink_->held) {
        return 0;
    }
    df_held header{};
    std::memcpy(&header, data, sizeof(header));
    packet->from = events.identities_->name(header.from);
    packet->to = events.identities_->name(header.to);
    events.sink_->held(std::move(*packet));
    return 0;
}

}  // namespace directfaas::backend::ebpf
