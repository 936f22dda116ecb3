// SPDX-License-Identifier: Apache-2.0
#include "lib/util/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "lib/util/number.h"

namespace directfaas::util {
namespace {

constexpr int kMappedBits = 96;
constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    const std::string copy(text);
    if (copy.contains('\0')) {  // inet_pton would not see what follows
        return std::nullopt;
    }
    std::array<std::uint8_t, 16> bytes{};
    if (inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) {
        return IpAddress(bytes);
    }
    std::ranges::copy(kMappedPrefix, bytes.begin());
    if (inet_pton(AF_INET, copy.c_str(), bytes.data() + kMappedPrefix.size()) == 1) {
        return IpAddress(bytes);
    }
    return std::nullopt;
}

std::optional<IpAddress> IpAddress::from_bytes(std::span<const std::uint8_t> bytes) {
    std::array<std::uint8_t, 16> all{};
    if (bytes.size() == all.size() - kMappedPrefix.size()) {
        std::ranges::copy(kMappedPrefix, all.begin());
    } else if (bytes.size() != all.size()) {
        return std::nullopt;
    }
    std::ranges::copy_backward(bytes, all.end());
    return IpAddress(all);
}

bool IpAddress::is_v4() const {
    return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes_.begin());
}

bool IpAddress::is_unspecified() const {
    const std::size_t skip = is_v4() ? kMappedPrefix.size() : 0;
    return std::all_of(bytes_.begin() + skip, bytes_.end(), [](auto byte) { return byte == 0; });
}

std::string IpAddress::text() const {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    const bool v4 = is_v4();
    inet_ntop(v4 ? AF_INET : AF_INET6, bytes_.data() + (v4 ? kMappedPrefix.size() : 0),
              buffer.data(), buffer.size());
    return buffer.data();
}

IpAddress IpPrefix::mask() const {
    std::array<std::uint8_t, 16> bytes{};
    for (int bit = 0; bit < bits; ++bit) {
        bytes[bit / 8] |= static_cast<std::uint8_t>(0x80 >> (bit % 8));
    }
    return IpAddress(bytes);
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) {
        return std::nullopt;
    }
    const auto address = IpAddress::parse(text.substr(0, slash));
    const auto bits = parse_number<int>(text.substr(slash + 1));
    if (!address || !bits || *bits < 0 || *bits > (address->is_v4() ? 32 : 128)) {
        return std::nullopt;
    }
    IpPrefix prefix{*address, *bits + (address->is_v4() ? kMappedBits : 0)};
    auto bytes = address->bytes();
    const auto mask = prefix.mask().bytes();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] &= mask[i];
    }
    prefix.base = IpAddress(bytes);
    return prefix;
}

bool IpPrefix::contains(const IpAddress& address) const {
    const auto wanted = mask().bytes();
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if ((address.bytes()[i] & wanted[i]) != base.bytes()[i]) {
            return false;
        }
    }
    return true;
}

std::string IpPrefix::text() const {
    return base.text() + "/" + std::to_string(base.is_v4() ? bits - kMappedBits : bits);
}

std::string_view protocol_name(Protocol protocol) {
    return protocol == Protocol::kTcp ? "TCP" : "UDP";
}

std::optional<Protocol> parse_protocol(std::string_view text) {
    if (text == "TCP") {
        return Protocol::kTcp;
    }
    if (text == "UDP") {
        return Protocol::kUdp;
    }
    return std::nullopt;
}

std::string endpoint_text(const IpAddress& address, std::uint16_t port) {
    const std::string host = address.is_v4() ? address.text() : "[" + address.text() + "]";
    return host + ":" + std::to_string(port);
}

}  // namespace directfaas::util
