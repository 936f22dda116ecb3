// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/remove.h"

#include "agent/backend/ovs/ovs_backend.h"
#include "agent/backend/ovs/records.h"

namespace directfaas::backend::ovs {

using util::Result;

Result<void> remove_everything(Bridge& bridge) {
    const auto flows = bridge.flows();
    if (!flows) {
        return std::unexpected(flows.error());
    }
    const State state = read_state(*flows);
    std::vector<Bytes> messages{remove_flows(kCookieMagic, kCookieMagicMask)};
    for (const auto& [key, number] : state.routes) {
        messages.push_back(remove_group(kGroupBase + number));
    }
    for (const std::uint32_t id : {kMeterRefuse, kMeterHold, kMeterReport}) {
        messages.push_back(remove_meter(id));
    }
    for (const auto& [pod, place] : state.pods) {
        messages.push_back(flush_zone(place.zone));
        messages.push_back(flush_zone(place.zone + kZoneAccept));
    }
    messages.push_back(flush_zone(kZoneSelf));
    return bridge.execute(std::move(messages));
}

Result<void> remove_instance(const Options& options) {
    Bridge bridge({options.bridge, options.run_dir});
    if (auto opened = bridge.open(); !opened) {
        return opened;
    }
    const auto flows = bridge.flows();
    if (!flows) {
        return std::unexpected(flows.error());
    }
    const State state = read_state(*flows);
    if (!state.instance.empty() && state.instance != options.instance) {
        return {};  // the bridge serves another one
    }
    return remove_everything(bridge);
}

}  // namespace directfaas::backend::ovs
