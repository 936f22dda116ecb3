// SPDX-License-Identifier: Apache-2.0
#include "agent/links/monitor.h"

#include <fmt/format.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "agent/links/messages.h"
#include "lib/util/log.h"

namespace directfaas::links {
namespace {

constexpr int kDumpTries = 10;

util::Error netlink_error(const std::string& what, int code) {
    return {0, fmt::format("{}: {}", what, nl_geterror(code))};
}

using Take = std::function<void(nlmsghdr*)>;

int take_message(nl_msg* message, void* argument) {
    (*static_cast<Take*>(argument))(nlmsg_hdr(message));
    return NL_OK;
}

/// Receives once from `socket`; a negative libnl code on failure.
int receive_into(nl_sock* socket, Take take) {
    nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, take_message, &take);
    return nl_recvmsgs_default(socket);
}

}  // namespace

void Monitor::CloseSocket::operator()(nl_sock* socket) const { nl_socket_free(socket); }

Monitor::Monitor(util::EventLoop& loop, LinkEvents events)
    : loop_(loop), events_(std::move(events)) {}

Monitor::~Monitor() {
    if (watched_ >= 0) {
        loop_.unwatch(watched_);
    }
}

util::Result<Monitor::Socket> Monitor::open_socket() {
    Socket socket(nl_socket_alloc());
    if (!socket) {
        return util::fail("no memory for a netlink socket");
    }
    nl_socket_disable_auto_ack(socket.get());
    if (const int code = nl_connect(socket.get(), NETLINK_ROUTE); code < 0) {
        return std::unexpected(netlink_error("open a netlink socket", code));
    }
    return socket;
}

util::Result<std::unique_ptr<Monitor>> Monitor::create(util::EventLoop& loop, LinkEvents events,
                                                       MonitorOptions options) {
    std::unique_ptr<Monitor> monitor(new Monitor(loop, std::move(events)));
    for (auto* socket : {&monitor->news_, &monitor->questions_}) {
        auto opened = open_socket();
        if (!opened) {
            return std::unexpected(opened.error());
        }
        *socket = std::move(*opened);
    }
    if (auto subscribed = monitor->subscribe(options.receive_bytes); !subscribed) {
        return std::unexpected(subscribed.error());
    }
    return monitor;
}

util::Result<void> Monitor::subscribe(int receive_bytes) {
    auto* socket = news_.get();
    nl_socket_disable_seq_check(socket);
    const int fd = nl_socket_get_fd(socket);
    // With CAP_NET_ADMIN beyond net.core.rmem_max; without, as much as that allows.
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_bytes, sizeof(receive_bytes)) != 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
    }
    const int joined = nl_socket_add_memberships(socket, RTNLGRP_LINK, RTNLGRP_IPV4_ROUTE,
                                                 RTNLGRP_IPV6_ROUTE, RTNLGRP_NONE);
    if (joined < 0) {
        return std::unexpected(netlink_error("subscribe to link and route changes", joined));
    }
    if (const int code = nl_socket_set_nonblocking(socket); code < 0) {
        return std::unexpected(netlink_error("make a netlink socket non-blocking", code));
    }
    return {};
}

util::Result<void> Monitor::start() {
    if (auto read = read_all_links(); !read) {
        return read;
    }
    const int fd = nl_socket_get_fd(news_.get());
    if (auto watched = loop_.watch(fd, EPOLLIN, [this](std::uint32_t) { receive(); }); !watched) {
        return watched;
    }
    watched_ = fd;
    return {};
}

util::Result<void> Monitor::read_all_links() {
    int code = 0;
    for (int attempt = 0; attempt < kDumpTries; ++attempt) {
        std::vector<Link> links;
        ifinfomsg header{};
        code = nl_send_simple(questions_.get(), RTM_GETLINK, NLM_F_DUMP, &header, sizeof(header));
        if (code < 0) {
            break;
        }
        code = receive_into(questions_.get(), [&links](nlmsghdr* message) {
            if (auto link = read_link(message)) {
                links.push_back(std::move(*link));
            }
        });
        if (code >= 0) {
            events_.replaced(links);
            return {};
        }
        if (code != -NLE_DUMP_INTR) {
            break;
        }
    }
    return std::unexpected(netlink_error("list the network interfaces", code));
}

void Monitor::receive() {
    for (;;) {
        const int code = receive_into(news_.get(), [this](nlmsghdr* message) { take(message); });
        if (code == -NLE_AGAIN) {
            return;
        }
        if (code >= 0) {
            continue;
        }
        // ENOBUFS (libnl: NLE_NOMEM): the kernel dropped news, so nothing we know is certain.
        ++overflows_;
        util::log::warning("news about network interfaces were lost ({}); reading all anew",
                           code == -NLE_NOMEM ? "too many at once" : nl_geterror(code));
        discard_news();
        if (auto read = read_all_links(); !read) {
            util::log::error("{}", read.error().text());
            return;
        }
    }
}

/// What was queued before the loss is older than the list that is read next.
void Monitor::discard_news() {
    int code = 0;
    do {
        code = receive_into(news_.get(), [](nlmsghdr*) {});
    } while (code >= 0 || code == -NLE_NOMEM);
}

void Monitor::take(nlmsghdr* message) {
    switch (message->nlmsg_type) {
        case RTM_NEWLINK:
            if (const auto link = read_link(message)) {
                events_.added(*link);
            }
            return;
        case RTM_DELLINK:
            if (const auto link = read_link(message)) {
                events_.removed(link->ifindex);
            }
            return;
        case RTM_NEWROUTE:
        case RTM_DELROUTE:
            if (const auto destination = read_route_destination(message)) {
                events_.route_changed(*destination);
            }
            return;
        default:
            return;
    }
}

std::optional<Route> Monitor::look_up(const util::IpAddress& address) const {
    const bool v4 = address.is_v4();
    rtmsg header{};
    header.rtm_family = v4 ? AF_INET : AF_INET6;
    header.rtm_dst_len = v4 ? 32 : 128;
    header.rtm_flags = RTM_F_FIB_MATCH;  // the route itself, with its prefix length
    const std::unique_ptr<nl_msg, decltype(&nlmsg_free)> message(
        nlmsg_alloc_simple(RTM_GETROUTE, 0), &nlmsg_free);
    const auto* bytes = address.bytes().data() + (v4 ? 12 : 0);
    if (!message || nlmsg_append(message.get(), &header, sizeof(header), NLMSG_ALIGNTO) < 0 ||
        nla_put(message.get(), RTA_DST, v4 ? 4 : 16, bytes) < 0 ||
        nl_send_auto(questions_.get(), message.get()) < 0) {
        return std::nullopt;
    }
    std::optional<Route> route;
    const int code =
        receive_into(questions_.get(), [&route](nlmsghdr* answer) { route = read_route(answer); });
    return code < 0 ? std::nullopt : route;  // "unreachable" comes as an error
}

}  // namespace directfaas::links
