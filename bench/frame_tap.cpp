// SPDX-License-Identifier: Apache-2.0
#include "bench/frame_tap.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace directfaas::bench {

FrameTap::FrameTap(const std::string& interface_name)
    : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_ll place{};
    place.sll_family = AF_PACKET;
    place.sll_protocol = htons(ETH_P_IP);
    place.sll_ifindex = static_cast<int>(::if_nametoindex(interface_name.c_str()));
    if (!socket_.valid() || place.sll_ifindex == 0 ||
        ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&place), sizeof place) != 0) {
        throw std::runtime_error("listen at " + interface_name + ": " + std::strerror(errno));
    }
}

std::optional<FrameTap::Seen> FrameTap::take() {
    constexpr std::size_t kDestination = 14 + 16;
    std::array<std::uint8_t, 2048> frame{};
    while (true) {
        sockaddr_ll from{};
        socklen_t size = sizeof from;
        const auto got = ::recvfrom(socket_.get(), frame.data(), frame.size(), 0,
                                    reinterpret_cast<sockaddr*>(&from), &size);
        if (got < 0) {
            return std::nullopt;
        }
        if (from.sll_pkttype == PACKET_OUTGOING || got < static_cast<ssize_t>(kDestination + 4)) {
            continue;
        }
        std::array<std::uint8_t, 16> bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
        std::copy_n(frame.begin() + kDestination, 4, bytes.begin() + 12);
        return Seen{util::IpAddress(bytes)};
    }
}

}  // namespace directfaas::bench
