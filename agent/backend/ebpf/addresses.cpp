// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/addresses.h"

#include "agent/backend/ebpf/encode.h"
#include "lib/util/log.h"

namespace directfaas::backend::ebpf {
namespace {

using util::Result;

/// Whether the entry still belongs to the identity it was written for.
bool current(const df_ip_id& entry, const Identities& identities) {
    const auto owner = identities.find(identities.name(entry.fn));
    return owner && *owner == Identities::Number{entry.fn, entry.gen};
}

}  // namespace

Result<Addresses> Addresses::load(const Tables& tables, const Identities& identities) {
    Addresses loaded(tables);
    std::vector<df_addr> stale;
    auto read = tables.ip_id.for_each([&](const df_addr& address, const df_ip_id& entry) {
        ++loaded.count_;
        if (!current(entry, identities)) {
            stale.push_back(address);
        }
    });
    if (!read) {
        return std::unexpected(read.error());
    }
    for (const auto& address : stale) {
        if (auto gone = tables.ip_id.erase(address); !gone) {
            return std::unexpected(gone.error());
        }
        --loaded.count_;
    }
    return loaded;
}

Result<void> Addresses::set_pod(const util::IpAddress& address, Identities::Number owner) {
    return put(address, {owner.id, owner.gen, DF_ADDR_POD});
}

Result<void> Addresses::remove_pod(const util::IpAddress& address) {
    return remove(address, DF_ADDR_POD);
}

Result<void> Addresses::set_vip(const util::IpAddress& address, Identities::Number owner) {
    const auto before = tables_->ip_id.get(encode(address));
    if (before && *before && (*before)->kind == DF_ADDR_POD) {
        util::log::warning("{} is the vIP of a function and the address of a pod; the pod keeps it",
                           address.text());
        return {};
    }
    return put(address, {owner.id, owner.gen, DF_ADDR_VIP});
}

Result<void> Addresses::remove_vip(const util::IpAddress& address) {
    return remove(address, DF_ADDR_VIP);
}

Result<void> Addresses::put(const util::IpAddress& address, const df_ip_id& entry) {
    const auto before = tables_->ip_id.get(encode(address));
    if (!before) {
        return std::unexpected(before.error());
    }
    auto written = tables_->ip_id.put(encode(address), entry);
    if (!written) {
        return util::pass(written.error(), "address " + address.text());
    }
    count_ += *before ? 0 : 1;
    return {};
}

Result<void> Addresses::remove(const util::IpAddress& address, df_addr_kind kind) {
    const auto before = tables_->ip_id.get(encode(address));
    if (!before) {
        return std::unexpected(before.error());
    }
    if (!*before || (*before)->kind != static_cast<std::uint32_t>(kind)) {
        return {};
    }
    if (const auto gone = tables_->ip_id.erase(encode(address)); !gone) {
        return util::pass(gone.error(), "address " + address.text());
    }
    --count_;
    return {};
}

Result<void> Addresses::restore_vips(const std::map<util::IpAddress, Identities::Number>& wanted) {
    std::vector<util::IpAddress> stale;
    std::map<util::IpAddress, Identities::Number> missing = wanted;
    auto done = tables_->ip_id.for_each([&](const df_addr& raw, const df_ip_id& entry) {
        const auto address = decode(raw);
        const auto vip = missing.find(address);
        if (entry.kind != DF_ADDR_VIP) {
            return;
        }
        if (vip == missing.end()) {
            stale.push_back(address);
        } else if (vip->second == Identities::Number{entry.fn, entry.gen}) {
            missing.erase(vip);
        }
    });
    for (const auto& address : stale) {
        if (done) {
            done = remove_vip(address);
        }
    }
    for (const auto& [address, owner] : missing) {
        if (done) {
            done = set_vip(address, owner);
        }
    }
    return done;
}

Result<std::map<util::IpAddress, model::Identity>> Addresses::dump(
    const Identities& identities) const {
    std::map<util::IpAddress, model::Identity> addresses;
    auto read = tables_->ip_id.for_each([&](const df_addr& raw, const df_ip_id& entry) {
        if (entry.kind == DF_ADDR_POD && current(entry, identities)) {
            addresses[decode(raw)] = identities.name(entry.fn);
        }
    });
    if (!read) {
        return std::unexpected(read.error());
    }
    return addresses;
}

}  // namespace directfaas::backend::ebpf
