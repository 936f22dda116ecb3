// SPDX-License-Identifier: Apache-2.0
#include "agent/links/messages.h"

#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace directfaas::links {
namespace {

constexpr int kMappedBits = 96;  // IPv4 within the 16-byte form

template <std::size_t Size>
bool parse(nlmsghdr* message, int header, std::array<nlattr*, Size>& attributes) {
    return nlmsg_parse(message, header, attributes.data(), static_cast<int>(Size) - 1, nullptr) ==
           0;
}

std::string text_of(const nlattr* attribute) {
    const auto* begin = static_cast<const char*>(nla_data(attribute));
    const auto length = static_cast<std::size_t>(nla_len(attribute));
    return {begin, strnlen(begin, length)};
}

std::string kind_of(nlattr* info) {
    std::array<nlattr*, IFLA_INFO_MAX + 1> nested{};
    if (nla_parse_nested(nested.data(), IFLA_INFO_MAX, info, nullptr) != 0 ||
        nested[IFLA_INFO_KIND] == nullptr) {
        return {};
    }
    return text_of(nested[IFLA_INFO_KIND]);
}

std::optional<util::IpAddress> address_of(const nlattr* attribute, int family) {
    const auto size = static_cast<std::size_t>(nla_len(attribute));
    const auto* data = static_cast<const std::uint8_t*>(nla_data(attribute));
    const bool fits = (family == AF_INET && size == 4) || (family == AF_INET6 && size == 16);
    return fits ? util::IpAddress::from_bytes({data, size}) : std::nullopt;
}

/// "0.0.0.0" or "::".
util::IpAddress any_address(int family) {
    return *util::IpAddress::parse(family == AF_INET ? "0.0.0.0" : "::");
}

const rtmsg* route_header(nlmsghdr* message) {
    if (nlmsg_datalen(message) < static_cast<int>(sizeof(rtmsg))) {
        return nullptr;
    }
    const auto* header = static_cast<const rtmsg*>(nlmsg_data(message));
    return header->rtm_family == AF_INET || header->rtm_family == AF_INET6 ? header : nullptr;
}

}  // namespace

std::optional<Link> read_link(nlmsghdr* message) {
    if ((message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK) ||
        nlmsg_datalen(message) < static_cast<int>(sizeof(ifinfomsg))) {
        return std::nullopt;
    }
    const auto* header = static_cast<const ifinfomsg*>(nlmsg_data(message));
    std::array<nlattr*, IFLA_MAX + 1> attributes{};
    if (header->ifi_family != AF_UNSPEC || header->ifi_index <= 0 ||
        !parse(message, sizeof(ifinfomsg), attributes) || attributes[IFLA_IFNAME] == nullptr) {
        return std::nullopt;
    }
    Link link;
    link.ifindex = static_cast<unsigned>(header->ifi_index);
    link.name = text_of(attributes[IFLA_IFNAME]);
    link.carrier = (header->ifi_flags & IFF_LOWER_UP) != 0;
    if (attributes[IFLA_LINKINFO] != nullptr) {
        link.kind = kind_of(attributes[IFLA_LINKINFO]);
    }
    if (attributes[IFLA_LINK] != nullptr) {
        link.peer = nla_get_u32(attributes[IFLA_LINK]);
    }
    if (attributes[IFLA_LINK_NETNSID] != nullptr) {
        link.netnsid = static_cast<int>(nla_get_u32(attributes[IFLA_LINK_NETNSID]));
    }
    return link;
}

std::optional<util::IpPrefix> read_route_destination(nlmsghdr* message) {
    const auto* header = route_header(message);
    std::array<nlattr*, RTA_MAX + 1> attributes{};
    if (header == nullptr || (header->rtm_flags & RTM_F_CLONED) != 0 ||
        !parse(message, sizeof(rtmsg), attributes)) {
        return std::nullopt;
    }
    const int extra = header->rtm_family == AF_INET ? kMappedBits : 0;
    if (attributes[RTA_DST] == nullptr) {
        return util::IpPrefix{any_address(header->rtm_family), extra};
    }
    const auto address = address_of(attributes[RTA_DST], header->rtm_family);
    if (!address || header->rtm_dst_len + extra > 128) {
        return std::nullopt;
    }
    return util::IpPrefix{*address, header->rtm_dst_len + extra};
}

std::optional<Route> read_route(nlmsghdr* message) {
    const auto* header = message->nlmsg_type == RTM_NEWROUTE ? route_header(message) : nullptr;
    std::array<nlattr*, RTA_MAX + 1> attributes{};
    if (header == nullptr || !parse(message, sizeof(rtmsg), attributes)) {
        return std::nullopt;
    }
    Route route;
    if (header->rtm_type == RTN_LOCAL) {
        route.kind = Route::Kind::kLocal;
    } else if (header->rtm_type == RTN_UNICAST) {
        route.kind = Route::Kind::kUnicast;
    }
    if (attributes[RTA_OIF] != nullptr) {
        route.ifindex = nla_get_u32(attributes[RTA_OIF]);
    }
    route.gateway = attributes[RTA_GATEWAY] != nullptr || attributes[RTA_VIA] != nullptr;
    route.prefix_bits = header->rtm_dst_len;
    return route;
}

}  // namespace directfaas::links
