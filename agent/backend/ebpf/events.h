// SPDX-License-Identifier: Apache-2.0
// The two ring buffers behind one descriptor.
#pragma once

#include <memory>
#include <string>

#include "agent/backend/backend.h"
#include "agent/backend/ebpf/identities.h"
#include "agent/backend/ebpf/tables.h"
#include "lib/util/result.h"

struct ring_buffer;

namespace directfaas::backend::ebpf {

class Events {
   public:
    /// Records of an earlier process that nobody has read yet come first.
    static util::Result<std::unique_ptr<Events>> open(const Tables& tables,
                                                      const Identities& identities);
    Events(const Events&) = delete;
    Events& operator=(const Events&) = delete;
    ~Events() = default;

    /// Readable when drain() has something.
    [[nodiscard]] int fd() const;
    /// Calls the sink for each record. Held packets are read first: somebody waits for them.
    void drain(const EventSink& sink);

   private:
    struct FreeRings {
        void operator()(ring_buffer* rings) const;
    };
    using Rings = std::unique_ptr<ring_buffer, FreeRings>;

    explicit Events(const Identities& identities) : identities_(&identities) {}
    static int on_event(void* self, void* data, std::size_t size);
    static int on_held(void* self, void* data, std::size_t size);

    const Identities* identities_;
    Rings rings_;
    const EventSink* sink_ = nullptr;  // while drain() runs
};

}  // namespace directfaas::backend::ebpf
