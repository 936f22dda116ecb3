// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/replay.h"

#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet6.h>
#include <netlink/route/link/veth.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#include <memory>

#include "agent/backend/ebpf/checksum.h"

extern "C" unsigned if_nametoindex(const char* name);

namespace directfaas::backend::ebpf {
namespace {

using util::fail;
using util::fail_errno;
using util::Result;

using Socket = std::unique_ptr<nl_sock, void (*)(nl_sock*)>;
using Link = std::unique_ptr<rtnl_link, void (*)(rtnl_link*)>;

constexpr unsigned kMtu = 9000;              // any held frame fits
constexpr std::uint32_t kGiveUp = 1U << 31;  // bpf/replay.bpf.c
constexpr std::uint8_t kNoAddress = 1;       // IN6_ADDR_GEN_MODE_NONE

Result<Socket> route_socket() {
    Socket socket(nl_socket_alloc(), nl_socket_free);
    if (socket == nullptr) {
        return fail_errno("opening a netlink socket", ENOMEM);
    }
    if (const int status = nl_connect(socket.get(), NETLINK_ROUTE); status < 0) {
        return fail(fmt::format("opening a netlink socket: {}", nl_geterror(status)));
    }
    return socket;
}

std::string problem(const std::string& what, int status) {
    return fmt::format("{}: {}", what, nl_geterror(status));
}

Result<void> add_pair(nl_sock* socket, const std::string& name) {
    const Link link(rtnl_link_veth_alloc(), rtnl_link_veth_release);
    if (link == nullptr) {
        return fail_errno("making a veth pair", ENOMEM);
    }
    rtnl_link_set_name(link.get(), (name + "a").c_str());
    rtnl_link_set_mtu(link.get(), kMtu);
    rtnl_link* peer = rtnl_link_veth_get_peer(link.get());
    rtnl_link_set_name(peer, (name + "b").c_str());
    rtnl_link_set_mtu(peer, kMtu);
    rtnl_link_put(peer);
    const int status = rtnl_link_add(socket, link.get(), NLM_F_CREATE | NLM_F_EXCL);
    if (status < 0 && status != -NLE_EXIST) {
        return fail(problem(fmt::format("making the veth pair {}a, {}b", name, name), status));
    }
    return {};
}

Result<void> change(nl_sock* socket, const std::string& name, rtnl_link* wanted) {
    const Link present(rtnl_link_alloc(), rtnl_link_put);
    rtnl_link_set_ifindex(present.get(), static_cast<int>(if_nametoindex(name.c_str())));
    const int status = rtnl_link_change(socket, present.get(), wanted, 0);
    return status < 0 ? fail(problem("setting up interface " + name, status)) : Result<void>();
}

/// Up, but quiet: no address, no ARP. What the host still sends there is dropped by the program.
Result<void> set_up(nl_sock* socket, const std::string& name) {
    const Link silent(rtnl_link_alloc(), rtnl_link_put);
    rtnl_link_inet6_set_addr_gen_mode(silent.get(), kNoAddress);
    // Fails where IPv6 is off, and then there is nothing to silence.
    static_cast<void>(change(socket, name, silent.get()));
    const Link up(rtnl_link_alloc(), rtnl_link_put);
    rtnl_link_set_flags(up.get(), IFF_UP | IFF_NOARP);
    return change(socket, name, up.get());
}

Result<void> make_pair(const std::string& name) {
    auto socket = route_socket();
    if (!socket) {
        return std::unexpected(socket.error());
    }
    auto done = add_pair(socket->get(), name);
    for (const char* end : {"a", "b"}) {
        if (done) {
            done = set_up(socket->get(), name + end);
        }
    }
    return done;
}

}  // namespace

std::string Replay::interface_name(const std::string& instance) {
    return fmt::format("dfr{:08x}", filter_handle(instance));
}

Result<Replay> Replay::open(const std::string& instance, Attacher& attacher, int program) {
    const std::string name = interface_name(instance);
    if (auto made = make_pair(name); !made) {
        return std::unexpected(made.error());
    }
    Replay replay;
    replay.ifindex_ = if_nametoindex((name + "a").c_str());
    if (replay.ifindex_ == 0) {
        return fail_errno("finding interface " + name + "a");
    }
    if (auto done = attacher.attach(replay.ifindex_, Hook::kEgress, program, "replay"); !done) {
        return std::unexpected(done.error());
    }
    replay.socket_.reset(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));  // receives nothing
    if (!replay.socket_.valid()) {
        return fail_errno("opening a packet socket (needs CAP_NET_RAW)");
    }
    return replay;
}

Result<void> Replay::send(const HeldPacket& packet, ReplayAction action,
                          const df_config& marks) const {
    const bool refuse = action == ReplayAction::kRefuse;
    const bool to_callee = packet.kind == HeldPacket::Kind::kUnknownSource;
    // At the callee's end the frame only has to leave the veth once more; at the caller's end it
    // has to arrive there, so it goes through our own interface, told where to by the mark.
    std::uint32_t mark = refuse ? marks.mark_refuse : marks.mark_replay;
    if (!to_callee) {
        mark = packet.ifindex | (refuse ? kGiveUp : 0U);
    }
    if (setsockopt(socket_.get(), SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0) {
        return fail_errno("marking a held packet");
    }
    auto frame = packet.frame;
    complete_checksum(frame);
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(to_callee ? packet.ifindex : ifindex_);
    to.sll_halen = ETH_ALEN;
    if (sendto(socket_.get(), frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&to),
               sizeof(to)) < 0) {
        return fail_errno(
            fmt::format("sending a held packet to interface {} again", packet.ifindex));
    }
    return {};
}

Result<void> Replay::remove(const std::string& instance) {
    auto socket = route_socket();
    if (!socket) {
        return std::unexpected(socket.error());
    }
    const Link link(rtnl_link_alloc(), rtnl_link_put);
    rtnl_link_set_name(link.get(), (interface_name(instance) + "a").c_str());
    const int status = rtnl_link_delete(socket->get(), link.get());
    if (status < 0 && status != -NLE_NODEV && status != -NLE_OBJ_NOTFOUND) {
        return fail(problem("removing interface " + interface_name(instance) + "a", status));
    }
    return {};
}

}  // namespace directfaas::backend::ebpf
