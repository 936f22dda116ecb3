// SPDX-License-Identifier: Apache-2.0
// What the kernel says about interfaces and routes of this network namespace, as it says it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "agent/links/link.h"
#include "lib/util/address.h"
#include "lib/util/event_loop.h"
#include "lib/util/result.h"

struct nl_sock;
struct nlmsghdr;

namespace directfaas::links {

/// Told on the loop's thread, in the kernel's order.
struct LinkEvents {
    std::function<void(const Link&)> added;  // or changed
    std::function<void(unsigned ifindex)> removed;
    std::function<void(const std::vector<Link>&)> replaced;  // all there are: at start, after loss
    std::function<void(const util::IpPrefix& destination)> route_changed;
};

struct MonitorOptions {
    int receive_bytes = 4 << 20;  // of the socket; more news at once and all is read anew
};

class Monitor {
   public:
    /// Opens the sockets in the network namespace of the calling thread.
    static util::Result<std::unique_ptr<Monitor>> create(util::EventLoop& loop, LinkEvents events,
                                                         MonitorOptions options);
    Monitor(const Monitor&) = delete;
    Monitor& operator=(const Monitor&) = delete;
    ~Monitor();

    /// Reports all links there are, then what changes.
    util::Result<void> start();
    /// How this node would reach `address`; nothing when it would not.
    [[nodiscard]] std::optional<Route> look_up(const util::IpAddress& address) const;
    /// How often news were lost because too many came at once.
    [[nodiscard]] std::size_t overflows() const { return overflows_; }

   private:
    struct CloseSocket {
        void operator()(nl_sock* socket) const;
    };
    using Socket = std::unique_ptr<nl_sock, CloseSocket>;

    Monitor(util::EventLoop& loop, LinkEvents events);
    static util::Result<Socket> open_socket();
    util::Result<void> subscribe(int receive_bytes);
    util::Result<void> read_all_links();
    void receive();
    void discard_news();
    void take(nlmsghdr* message);

    util::EventLoop& loop_;
    LinkEvents events_;
    Socket news_;
    Socket questions_;
    int watched_ = -1;
    std::size_t overflows_ = 0;
};

}  // namespace directfaas::links
