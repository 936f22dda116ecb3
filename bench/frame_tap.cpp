// SPDX-License-Identifier: Apache-2.0
#include "bench/frame_tap.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <stdexcept>

namespace directfaas::bench {

namespace {

constexpr int kBuffer = 8 << 20;
constexpr std::size_t kIp = 14;  // behind the Ethernet header

std::uint16_t number(const std::uint8_t* at) {
    return static_cast<std::uint16_t>(at[0] << 8U | at[1]);
}

/// `frame` has at least the IPv4 header and the first four bytes behind it.
FrameTap::Seen understood(std::span<const std::uint8_t> frame) {
    FrameTap::Seen seen;
    std::array<std::uint8_t, 16> bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    std::copy_n(frame.begin() + kIp + 16, 4, bytes.begin() + 12);
    seen.destination = util::IpAddress(bytes);
    const std::size_t header = std::size_t{4} * (frame[kIp] & 0xfU);
    constexpr std::size_t kOffset = 12;  // of the TCP header's length in it
    if (frame[kIp + 9] != IPPROTO_TCP || frame.size() <= kIp + header + kOffset) {
        return seen;
    }
    const auto* tcp = &frame[kIp + header];
    seen.source_port = number(tcp);
    seen.destination_port = number(tcp + 2);
    const std::size_t headers = header + std::size_t{4} * (tcp[kOffset] >> 4U);
    const std::size_t whole = number(&frame[kIp + 2]);
    seen.payload = whole > headers ? whole - headers : 0;
    return seen;
}

std::chrono::system_clock::time_point stamp(const msghdr& message) {
    for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(const_cast<msghdr*>(&message), part)) {
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPNS) {
            timespec time{};
            std::memcpy(&time, CMSG_DATA(part), sizeof time);
            return std::chrono::system_clock::time_point(std::chrono::seconds(time.tv_sec) +
                                                         std::chrono::nanoseconds(time.tv_nsec));
        }
    }
    return {};
}

}  // namespace

FrameTap::FrameTap(const std::string& interface_name)
    : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_ll place{};
    place.sll_family = AF_PACKET;
    place.sll_protocol = htons(ETH_P_IP);
    place.sll_ifindex = static_cast<int>(::if_nametoindex(interface_name.c_str()));
    constexpr int kYes = 1;
    if (!socket_.valid() || place.sll_ifindex == 0 ||
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof kBuffer) != 0 ||
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_TIMESTAMPNS, &kYes, sizeof kYes) != 0 ||
        ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&place), sizeof place) != 0) {
        throw std::runtime_error("listen at " + interface_name + ": " + std::strerror(errno));
    }
}

std::optional<FrameTap::Seen> FrameTap::take() {
    std::array<std::uint8_t, 2048> frame{};
    alignas(cmsghdr) std::array<char, 64> control{};
    while (true) {
        sockaddr_ll from{};
        iovec place{.iov_base = frame.data(), .iov_len = frame.size()};
        msghdr message{};
        message.msg_name = &from;
        message.msg_namelen = sizeof from;
        message.msg_iov = &place;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const auto got = ::recvmsg(socket_.get(), &message, 0);
        if (got < 0) {
            return std::nullopt;
        }
        constexpr std::size_t kLeast = kIp + 20 + 4;
        if (from.sll_pkttype == PACKET_OUTGOING || static_cast<std::size_t>(got) < kLeast) {
            continue;
        }
        auto seen = understood({frame.data(), static_cast<std::size_t>(got)});
        seen.at = stamp(message);
        return seen;
    }
}

}  // namespace directfaas::bench
