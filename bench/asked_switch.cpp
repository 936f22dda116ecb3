// SPDX-License-Identifier: Apache-2.0
#include "bench/asked_switch.h"

#include <bpf/bpf.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "bench/agent_figures.h"
#include "bench/application_objects.h"
#include "bench/repeater.h"
#include "bench/switch_under_test.h"
#include "maps/route.h"

namespace directfaas::bench {
namespace {

util::UniqueFd open_pin(const std::string& path) {
    util::UniqueFd fd(bpf_obj_get(path.c_str()));
    if (!fd.valid()) {
        throw std::runtime_error("open " + path + ": " + std::strerror(errno));
    }
    return fd;
}

}  // namespace

std::string caller_interface(unsigned ns) { return "b" + std::to_string(ns); }

void add_caller(const support::Netns& node, unsigned ns) {
    const auto name = caller_interface(ns);
    node.ip({"link add " + name + " type veth peer name p" + std::to_string(ns),
             "link set " + name + " up"});
}

AskedSwitch::AskedSwitch(const support::AgentProcess& agent)
    : from_pod_(open_pin(pinned(agent, "prog/from_pod"))), vip_(open_pin(pinned(agent, "vip"))) {}

bool AskedSwitch::passes(unsigned ns, unsigned function) const {
    const auto syn = segment(pod_address(ns, 0, 0), 40000, service_address(ns, function), kPort,
                             support::tcp_flag::kSyn);
    const Arrival arrival{if_nametoindex(caller_interface(ns).c_str()), 0};
    return run_once(from_pod_.get(), arrival, syn).verdict == kNext;
}

unsigned AskedSwitch::instances(unsigned ns, unsigned function) const {
    df_vip_key key{.addr = {}, .port = htons(kPort), .proto = IPPROTO_TCP, .pad = 0};
    std::ranges::copy(service_address(ns, function).bytes(), key.addr.bytes);
    df_vip route{};
    return bpf_map_lookup_elem(vip_.get(), &key, &route) == 0 ? route.count : 0;
}

}  // namespace directfaas::bench
