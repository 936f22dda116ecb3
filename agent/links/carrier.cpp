// SPDX-License-Identifier: Apache-2.0
#include "agent/links/carrier.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <utility>

namespace directfaas::links {

util::Result<CarrierProbe> CarrierProbe::open() {
    util::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket.valid()) {
        return util::fail_errno("a socket to ask for an interface's carrier");
    }
    return CarrierProbe(std::move(socket));
}

bool CarrierProbe::has_carrier(unsigned ifindex) const {
    ifreq request{};
    request.ifr_ifindex = static_cast<int>(ifindex);
    if (::ioctl(socket_.get(), SIOCGIFNAME, &request) != 0) {
        return false;
    }
    ethtool_value link{.cmd = ETHTOOL_GLINK, .data = 0};
    request.ifr_data = reinterpret_cast<char*>(&link);
    return ::ioctl(socket_.get(), SIOCETHTOOL, &request) == 0 && link.data != 0;
}

}  // namespace directfaas::links
