// SPDX-License-Identifier: Apache-2.0
#include "cni-plugin/ovs/pod_link.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "cni-plugin/ovs/netns.h"
#include "lib/util/number.h"

namespace directfaas::cni::ovs {
namespace {

/// Of every port's host end: no packet is for it (docs/ovs.md).
constexpr std::array<std::uint8_t, 6> kPortMac{0x0e, 0, 0, 0, 0, 1};

struct Network {
    util::IpAddress address;
    unsigned prefix = 0;
};

std::optional<Network> parse_network(const std::string& text) {
    const auto slash = text.find('/');
    const auto address = util::IpAddress::parse(text.substr(0, slash));
    const auto prefix = slash == std::string::npos
                            ? std::nullopt
                            : util::parse_number<unsigned>(text.substr(slash + 1));
    return address && prefix ? std::optional(Network{*address, *prefix}) : std::nullopt;
}

std::optional<util::IpAddress> parse_address(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_string()) {
        return std::nullopt;
    }
    return util::IpAddress::parse(found->get<std::string>());
}

std::optional<util::IpAddress> gateway_of(const PodNetwork& network, bool v4) {
    for (const auto& item : network.addresses) {
        if (item.gateway && item.gateway->is_v4() == v4) {
            return item.gateway;
        }
    }
    return std::nullopt;
}

Done complete_checksums(const std::string& name) {
    const util::UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ethtool_value off{};
    off.cmd = ETHTOOL_STXCSUM;
    ifreq request{};
    std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&off);
    if (ioctl(fd.get(), SIOCETHTOOL, &request) != 0) {
        return std::unexpected("let " + name + " complete checksums: " + std::strerror(errno));
    }
    return {};
}

Done set_up_pod_end(const std::string& name, const PodNetwork& network, bool checksums) {
    Done done = checksums ? complete_checksums(name) : Done();
    for (const auto& item : network.addresses) {
        done = done ? add_address(name, item.address, item.prefix) : done;
    }
    done = done ? set_up(name, Arp::kOn) : done;
    for (const auto& route : network.routes) {
        done = done ? add_route(name, route.to, route.prefix, route.gateway) : done;
    }
    return done;
}

}  // namespace

std::expected<PodNetwork, std::string> PodNetwork::of(const Json& result) {
    PodNetwork network;
    for (const auto& ip : result.value("ips", Json::array())) {
        const auto parsed = parse_network(ip.value("address", ""));
        if (!parsed) {
            return std::unexpected("an address of the IPAM plugin's result is wrong: " + ip.dump());
        }
        network.addresses.push_back(
            {parsed->address, parsed->prefix, parse_address(ip, "gateway")});
    }
    if (network.addresses.empty()) {
        return std::unexpected("the IPAM plugin gave no address: " + result.dump());
    }
    for (const auto& route : result.value("routes", Json::array())) {
        const auto to = parse_network(route.value("dst", ""));
        if (!to) {
            return std::unexpected("a route of the IPAM plugin's result is wrong: " + route.dump());
        }
        auto gateway = parse_address(route, "gw");
        gateway = gateway ? gateway : gateway_of(network, to->address.is_v4());
        if (gateway) {
            network.routes.push_back({to->address, to->prefix, *gateway});
        }
    }
    for (const bool v4 : {true, false}) {
        const auto gateway = gateway_of(network, v4);
        if (result.value("routes", Json::array()).empty() && gateway) {
            const auto all = *util::IpAddress::parse(v4 ? "0.0.0.0" : "::");
            network.routes.push_back({all, 0, *gateway});
        }
    }
    return network;
}

std::expected<PodLink, std::string> make_pod_link(const Call& call, const NetworkConfig& config,
                                                  const PodNetwork& network, bool checksums) {
    auto netns = open_netns(call.netns);
    if (!netns) {
        return std::unexpected(netns.error());
    }
    PodLink link{.host_name = host_interface_name(call.container, call.interface_name),
                 .host_mac = {},
                 .pod_mac = {}};
    Done done = make_veth({.host = link.host_name,
                           .pod = call.interface_name,
                           .pod_netns = netns->get(),
                           .mtu = config.mtu,
                           .host_mac = kPortMac});
    if (done) {
        // The kernel sees the port's packets, too, and must not answer for the bridge.
        std::ofstream("/proc/sys/net/ipv6/conf/" + link.host_name + "/disable_ipv6") << "1";
        done = set_up(link.host_name, Arp::kOff);
    }
    done = done ? in_netns(netns->get(),
                           [&]() -> Done {
                               link.pod_mac = mac_of(call.interface_name);
                               return set_up_pod_end(call.interface_name, network, checksums);
                           })
                : done;
    for (const auto& item : network.addresses) {
        if (done && item.gateway) {
            done = add_address(config.bridge, *item.gateway, item.prefix);
        }
    }
    done = done ? set_up(config.bridge, Arp::kOn) : done;
    link.host_mac = mac_of(link.host_name);
    return done ? std::expected<PodLink, std::string>(link) : std::unexpected(done.error());
}

}  // namespace directfaas::cni::ovs
