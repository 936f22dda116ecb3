// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/veth.h"

#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include <algorithm>
#include <memory>
#include <optional>

namespace directfaas::backend {
namespace {

using util::Result;

struct LinkFacts {
    std::optional<unsigned> peer;
    std::optional<std::int32_t> peer_namespace;
    std::optional<Mac> mac;
    unsigned mtu = 0;
    std::string qdisc;
    bool has_xdp = false;
};

bool xdp_attached(nlattr* xdp) {
    const nlattr* attached =
        nla_find(static_cast<nlattr*>(nla_data(xdp)), nla_len(xdp), IFLA_XDP_ATTACHED);
    return attached != nullptr && nla_get_u8(attached) != XDP_ATTACHED_NONE;
}

int take_link(nl_msg* message, void* context) {
    auto& facts = *static_cast<LinkFacts*>(context);
    nlmsghdr* header = nlmsg_hdr(message);
    const auto find = [&](int type) { return nlmsg_find_attr(header, sizeof(ifinfomsg), type); };
    if (nlattr* link = find(IFLA_LINK)) {
        facts.peer = nla_get_u32(link);
    }
    if (nlattr* netns = find(IFLA_LINK_NETNSID)) {
        facts.peer_namespace = nla_get_s32(netns);
    }
    if (nlattr* mtu = find(IFLA_MTU)) {
        facts.mtu = nla_get_u32(mtu);
    }
    if (nlattr* qdisc = find(IFLA_QDISC)) {
        facts.qdisc = nla_get_string(qdisc);
    }
    if (nlattr* xdp = find(IFLA_XDP)) {
        facts.has_xdp = xdp_attached(xdp);
    }
    nlattr* address = find(IFLA_ADDRESS);
    if (address != nullptr && nla_len(address) == 6) {
        const auto* bytes = static_cast<const std::uint8_t*>(nla_data(address));
        facts.mac.emplace();
        std::copy_n(bytes, 6, facts.mac->begin());
    }
    return NL_OK;
}

Result<LinkFacts> ask(nl_sock* socket, unsigned ifindex, std::optional<std::int32_t> netns) {
    LinkFacts facts;
    const std::unique_ptr<nl_msg, void (*)(nl_msg*)> message(
        nlmsg_alloc_simple(RTM_GETLINK, NLM_F_REQUEST), nlmsg_free);
    ifinfomsg body{};
    body.ifi_index = static_cast<int>(ifindex);
    if (message == nullptr || nlmsg_append(message.get(), &body, sizeof(body), NLMSG_ALIGNTO) < 0 ||
        (netns && nla_put_s32(message.get(), IFLA_TARGET_NETNSID, *netns) < 0)) {
        return util::fail_errno("asking for an interface", ENOMEM);
    }
    nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, take_link, &facts);
    int status = nl_send_auto(socket, message.get());
    if (status >= 0) {
        status = nl_recvmsgs_default(socket);
    }
    if (status < 0) {
        return util::fail(fmt::format("asking for interface {}: {}", ifindex, nl_geterror(status)));
    }
    return facts;
}

}  // namespace

Result<VethFacts> veth_facts(unsigned ifindex) {
    const std::unique_ptr<nl_sock, void (*)(nl_sock*)> socket(nl_socket_alloc(), nl_socket_free);
    if (socket == nullptr) {
        return util::fail_errno("opening a netlink socket", ENOMEM);
    }
    nl_socket_disable_auto_ack(socket.get());
    if (const int status = nl_connect(socket.get(), NETLINK_ROUTE); status < 0) {
        return util::fail(fmt::format("opening a netlink socket: {}", nl_geterror(status)));
    }
    const auto host = ask(socket.get(), ifindex, std::nullopt);
    if (!host) {
        return std::unexpected(host.error());
    }
    if (!host->peer) {
        return util::fail(fmt::format("interface {} has no peer: it is no veth", ifindex));
    }
    const auto pod = ask(socket.get(), *host->peer, host->peer_namespace);
    if (!pod) {
        return std::unexpected(pod.error());
    }
    if (!pod->mac) {
        return util::fail(fmt::format("the peer of interface {} has no address", ifindex));
    }
    return VethFacts{host->mtu, host->qdisc, *pod->mac, pod->has_xdp};
}

}  // namespace directfaas::backend
