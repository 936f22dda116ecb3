// SPDX-License-Identifier: Apache-2.0
// Plain rtnetlink, as in host_veth.cpp: a static plugin has no use for a netlink library.
#include "cni-plugin/ovs/netlink.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>

#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::cni::ovs {
namespace {

/// One request, attribute by attribute.
class Request {
   public:
    Request(std::uint16_t type, std::uint16_t more_flags) {
        header()->nlmsg_type = type;
        header()->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | more_flags);
        header()->nlmsg_len = NLMSG_HDRLEN;
    }
    /// The fixed part: once, first. Within a nest it is a part of the nest.
    template <typename Fixed>
    void fixed(const Fixed& value) {
        append(&value, sizeof value);
    }
    void add(std::uint16_t type, std::span<const std::uint8_t> data) {
        const auto start = begin(type);
        append(data.data(), data.size());
        end(start);
    }
    void add(std::uint16_t type, const std::string& text) {
        add(type, std::span(reinterpret_cast<const std::uint8_t*>(text.c_str()), text.size() + 1));
    }
    void add_number(std::uint16_t type, std::uint32_t value) {
        add(type, std::span(reinterpret_cast<const std::uint8_t*>(&value), sizeof value));
    }
    std::size_t begin(std::uint16_t type) {
        const auto start = header()->nlmsg_len;
        const rtattr attribute{.rta_len = 0, .rta_type = type};
        append(&attribute, sizeof attribute);
        return start;
    }
    void end(std::size_t start) {
        // The padding is no part of the attribute's length.
        const auto length = static_cast<std::uint16_t>(length_ - start);
        std::memcpy(buffer_.data() + start, &length, sizeof length);
    }
    /// An answer of the errno `fine` is no failure.
    Done send(const std::string& what, int fine = 0);

   private:
    nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(buffer_.data()); }
    void append(const void* data, std::size_t size) {
        const auto at = header()->nlmsg_len;
        if (size > 0) {
            std::memcpy(buffer_.data() + at, data, size);
        }
        length_ = at + size;
        header()->nlmsg_len = static_cast<std::uint32_t>(NLMSG_ALIGN(length_));
    }

    alignas(nlmsghdr) std::array<std::uint8_t, 1024> buffer_{};
    std::size_t length_ = 0;
};

Done Request::send(const std::string& what, int fine) {
    const util::UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!fd.valid() || ::send(fd.get(), buffer_.data(), header()->nlmsg_len, 0) < 0) {
        return std::unexpected(util::with_errno(what));
    }
    alignas(nlmsghdr) std::array<std::uint8_t, 8192> answer{};
    const auto got = recv(fd.get(), answer.data(), answer.size(), 0);
    const auto* head = reinterpret_cast<const nlmsghdr*>(answer.data());
    if (got < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(nlmsgerr))) ||
        head->nlmsg_type != NLMSG_ERROR) {
        return std::unexpected(what + ": the kernel did not say whether it is done");
    }
    errno = -reinterpret_cast<const nlmsgerr*>(NLMSG_DATA(head))->error;
    if (errno != 0 && errno != fine) {
        return std::unexpected(util::with_errno(what));
    }
    return {};
}

std::span<const std::uint8_t> bytes_of(const util::IpAddress& address) {
    const std::span<const std::uint8_t> all(address.bytes());
    return address.is_v4() ? all.subspan(12) : all;
}

std::uint8_t family_of(const util::IpAddress& address) {
    return address.is_v4() ? AF_INET : AF_INET6;
}

}  // namespace

Done make_veth(const VethSpec& veth) {
    Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    request.fixed(ifinfomsg{});
    request.add(IFLA_IFNAME, veth.host);
    request.add(IFLA_ADDRESS, veth.host_mac);
    if (veth.mtu != 0) {
        request.add_number(IFLA_MTU, veth.mtu);
    }
    const auto info = request.begin(IFLA_LINKINFO);
    request.add(IFLA_INFO_KIND, std::string("veth"));
    const auto data = request.begin(IFLA_INFO_DATA);
    const auto peer = request.begin(VETH_INFO_PEER);
    request.fixed(ifinfomsg{});
    request.add(IFLA_IFNAME, veth.pod);
    request.add_number(IFLA_NET_NS_FD, static_cast<std::uint32_t>(veth.pod_netns));
    if (veth.mtu != 0) {
        request.add_number(IFLA_MTU, veth.mtu);
    }
    request.end(peer);
    request.end(data);
    request.end(info);
    return request.send("make the veth " + veth.host + " - " + veth.pod);
}

Done delete_link(const std::string& name) {
    Request request(RTM_DELLINK, 0);
    request.fixed(ifinfomsg{});
    request.add(IFLA_IFNAME, name);
    return request.send("delete the interface " + name, ENODEV);
}

Done set_up(const std::string& name, Arp arp) {
    ifinfomsg link{};
    link.ifi_index = static_cast<int>(if_nametoindex(name.c_str()));
    link.ifi_flags = IFF_UP | (arp == Arp::kOff ? unsigned{IFF_NOARP} : 0U);
    link.ifi_change = IFF_UP | IFF_NOARP;
    Request request(RTM_NEWLINK, 0);
    request.fixed(link);
    return request.send("set up the interface " + name);
}

Done add_address(const std::string& name, const util::IpAddress& address, unsigned prefix) {
    ifaddrmsg fixed{};
    fixed.ifa_family = family_of(address);
    fixed.ifa_prefixlen = static_cast<std::uint8_t>(prefix);
    fixed.ifa_index = if_nametoindex(name.c_str());
    fixed.ifa_flags = address.is_v4() ? 0 : IFA_F_NODAD;
    Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
    request.fixed(fixed);
    request.add(IFA_LOCAL, bytes_of(address));
    request.add(IFA_ADDRESS, bytes_of(address));
    return request.send("give " + name + " the address " + address.text(), EEXIST);
}

Done add_route(const std::string& name, const util::IpAddress& to, unsigned prefix,
               const util::IpAddress& gateway) {
    rtmsg fixed{};
    fixed.rtm_family = family_of(to);
    fixed.rtm_dst_len = static_cast<std::uint8_t>(prefix);
    fixed.rtm_table = RT_TABLE_MAIN;
    fixed.rtm_protocol = RTPROT_BOOT;
    fixed.rtm_scope = RT_SCOPE_UNIVERSE;
    fixed.rtm_type = RTN_UNICAST;
    Request request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
    request.fixed(fixed);
    if (prefix > 0) {
        request.add(RTA_DST, bytes_of(to));
    }
    request.add(RTA_GATEWAY, bytes_of(gateway));
    request.add_number(RTA_OIF, if_nametoindex(name.c_str()));
    return request.send("route to " + to.text() + " through " + gateway.text());
}

std::string mac_of(const std::string& name) {
    const util::UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
    if (ioctl(fd.get(), SIOCGIFHWADDR, &request) != 0) {
        return {};
    }
    std::array<unsigned char, 6> mac{};
    std::memcpy(mac.data(), request.ifr_hwaddr.sa_data, mac.size());
    char text[18];
    std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
                  mac[3], mac[4], mac[5]);
    return text;
}

}  // namespace directfaas::cni::ovs
