// SPDX-License-Identifier: Apache-2.0
// Plain rtnetlink: a static plugin has no use for a netlink library.
#include "cni-plugin/host_veth.h"

#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::cni {
namespace {

struct Device {
    unsigned ifindex = 0;
    unsigned peer = 0;
    std::string name;
    std::string kind;
};

std::expected<util::UniqueFd, std::string> open_netlink() {
    util::UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!fd.valid()) {
        return std::unexpected(util::with_errno("open a netlink socket"));
    }
    const timeval patience{.tv_sec = 1, .tv_usec = 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

/// A netlink socket of another namespace; it stays there while the thread comes back.
std::expected<util::UniqueFd, std::string> open_netlink_in(int netns) {
    const util::UniqueFd own(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!own.valid() || setns(netns, CLONE_NEWNET) != 0) {
        return std::unexpected(util::with_errno("enter the container's network namespace"));
    }
    auto fd = open_netlink();
    if (setns(own.get(), CLONE_NEWNET) != 0) {
        return std::unexpected(util::with_errno("come back to the host's network namespace"));
    }
    return fd;
}

std::string text_of(const rtattr* attribute) {
    const auto* begin = static_cast<const char*>(RTA_DATA(attribute));
    return {begin, strnlen(begin, RTA_PAYLOAD(attribute))};
}

std::string kind_of(const rtattr* info) {
    auto left = static_cast<int>(RTA_PAYLOAD(info));
    for (auto* nested = static_cast<rtattr*>(RTA_DATA(info)); RTA_OK(nested, left);
         nested = RTA_NEXT(nested, left)) {
        if (nested->rta_type == IFLA_INFO_KIND) {
            return text_of(nested);
        }
    }
    return {};
}

Device read_device(nlmsghdr* message) {
    auto* header = static_cast<ifinfomsg*>(NLMSG_DATA(message));
    Device device;
    device.ifindex = static_cast<unsigned>(header->ifi_index);
    auto left = static_cast<int>(IFLA_PAYLOAD(message));
    for (auto* attribute = IFLA_RTA(header); RTA_OK(attribute, left);
         attribute = RTA_NEXT(attribute, left)) {
        switch (attribute->rta_type) {
            case IFLA_IFNAME:
                device.name = text_of(attribute);
                break;
            case IFLA_LINK:
                std::memcpy(&device.peer, RTA_DATA(attribute), sizeof(device.peer));
                break;
            case IFLA_LINKINFO:
                device.kind = kind_of(attribute);
                break;
            default:
                break;
        }
    }
    return device;
}

/// By number, or by name if that is 0. Nothing if there is none.
std::expected<std::optional<Device>, std::string> ask(int fd, unsigned ifindex,
                                                      std::string_view name) {
    struct {
        nlmsghdr header;
        ifinfomsg link;
        std::array<char, 64> attributes;
    } request{};
    request.header.nlmsg_len = NLMSG_LENGTH(sizeof(ifinfomsg));
    request.header.nlmsg_type = RTM_GETLINK;
    request.header.nlmsg_flags = NLM_F_REQUEST;
    request.link.ifi_index = static_cast<int>(ifindex);
    if (ifindex == 0) {
        if (name.size() >= 16) {  // IFNAMSIZ
            return std::optional<Device>();
        }
        auto* attribute = reinterpret_cast<rtattr*>(request.attributes.data());
        attribute->rta_type = IFLA_IFNAME;
        attribute->rta_len = static_cast<unsigned short>(RTA_LENGTH(name.size() + 1));
        std::memcpy(RTA_DATA(attribute), name.data(), name.size());
        request.header.nlmsg_len += RTA_ALIGN(attribute->rta_len);
    }
    if (send(fd, &request, request.header.nlmsg_len, 0) < 0) {
        return std::unexpected(util::with_errno("ask for a network interface"));
    }
    alignas(nlmsghdr) std::array<char, 32768> answer{};
    const auto length = recv(fd, answer.data(), answer.size(), 0);
    auto* message = reinterpret_cast<nlmsghdr*>(answer.data());
    if (length < 0 || !NLMSG_OK(message, static_cast<unsigned>(length))) {
        return std::unexpected(util::with_errno("read about a network interface"));
    }
    if (message->nlmsg_type != RTM_NEWLINK) {
        return std::optional<Device>();
    }
    return read_device(message);
}

}  // namespace

std::expected<std::optional<HostVeth>, std::string> find_host_veth(
    const std::string& netns, const std::string& interface_name) {
    const util::UniqueFd space(open(netns.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat about{};
    if (!space.valid() || fstat(space.get(), &about) != 0) {
        return std::unexpected(util::with_errno("open " + netns));
    }
    auto inside = open_netlink_in(space.get());
    auto outside = open_netlink();
    if (!inside || !outside) {
        return std::unexpected(!inside ? inside.error() : outside.error());
    }
    const auto end = ask(inside->get(), 0, interface_name);
    if (!end) {
        return std::unexpected(end.error());
    }
    if (!*end) {
        return std::unexpected("there is no interface " + interface_name + " in " + netns);
    }
    if ((*end)->kind != "veth" || (*end)->peer == 0) {
        return std::optional<HostVeth>();
    }
    const auto host = ask(outside->get(), (*end)->peer, "");
    if (!host) {
        return std::unexpected(host.error());
    }
    // A peer in a third namespace has a number that means another interface here, or none.
    if (!*host || (*host)->kind != "veth" || (*host)->peer != (*end)->ifindex) {
        return std::optional<HostVeth>();
    }
    return HostVeth{(*host)->ifindex, (*host)->name, about.st_ino};
}

}  // namespace directfaas::cni
