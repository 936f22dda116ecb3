// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/counter_reader.h"

#include "agent/backend/ovs/tables.h"

namespace directfaas::backend::ovs {

using util::Result;

Result<CounterReader::Read> CounterReader::read(Connections connections) {
    const std::lock_guard lock(mutex_);
    if (bridge_.connected()) {
        static_cast<void>(bridge_.serve());
    }
    if (!bridge_.connected()) {
        if (auto opened = bridge_.open(); !opened) {
            return std::unexpected(opened.error());
        }
    }
    if (auto settled = bridge_.settle(); !settled) {
        return std::unexpected(settled.error());
    }
    const auto begin = std::chrono::steady_clock::now();
    auto flows = flows_.read(bridge_);
    if (!flows) {
        return std::unexpected(flows.error());
    }
    Read read{.flows = std::move(*flows), .open = {}};
    read.busy = std::chrono::steady_clock::now() - begin;
    if (connections == Connections::kRead) {
        const auto dump = bridge_.control("dpctl/dump-conntrack", {});
        if (!dump) {
            return std::unexpected(dump.error());
        }
        read.open = read_open_connections(*dump);
    }
    if (const auto drops = bridge_.meter_drops()) {
        const auto held = drops->find(kMeterHold);
        read.held_lost = held == drops->end() ? 0 : held->second;
    }
    return read;
}

}  // namespace directfaas::backend::ovs
