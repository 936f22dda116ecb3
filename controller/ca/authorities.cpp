// SPDX-License-Identifier: Apache-2.0
#include "controller/ca/authorities.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace directfaas::controller {
namespace {

constexpr const char* kName = "directfaas-controller CA";

}  // namespace

Authorities Authorities::read(const std::string& bundle, const std::string& keys,
                              std::vector<std::string>& troubles) {
    Authorities found;
    const auto certificates = pem_blocks(bundle);
    const auto secrets = pem_blocks(keys);
    if (certificates.size() != secrets.size() ||
        (certificates.empty() && !(bundle + keys).empty())) {
        troubles.push_back(
            fmt::format("it has {} certificates and {} keys", certificates.size(), secrets.size()));
    }
    for (std::size_t i = 0; i < std::min(certificates.size(), secrets.size()); ++i) {
        Certified certified{certificates[i], secrets[i]};
        const auto validity = validity_of_authority(certified);
        if (validity) {
            found.all_.push_back({std::move(certified), *validity});
        } else {
            troubles.push_back(fmt::format("authority {}: {}", i + 1, validity.error().text()));
        }
    }
    found.sort();
    return found;
}

void Authorities::sort() {
    std::ranges::sort(all_, std::greater{}, [](const Authority& authority) {
        return std::pair(authority.validity.from, authority.certified.certificate);
    });
}

util::Result<bool> Authorities::settle(const CaTerms& terms, WallTime now) {
    const auto dropped = std::erase_if(
        all_, [now](const Authority& authority) { return authority.validity.until <= now; });
    if (!all_.empty() && all_.front().validity.until - now >= terms.life / 3) {
        return dropped > 0;
    }
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    const Validity validity{second - terms.skew, second + terms.life};
    auto made = make_authority(kName, validity);
    if (!made) {
        return std::unexpected(made.error());
    }
    all_.push_back({*std::move(made), validity});
    sort();
    return true;
}

const Authorities::Authority& Authorities::signing(const CaTerms& terms, WallTime now) const {
    assert(!all_.empty());
    for (const auto& authority : all_) {
        if (now - authority.validity.from >= terms.skew + terms.settling) {
            return authority;
        }
    }
    return all_.back();
}

const Certified& Authorities::signer(const CaTerms& terms, WallTime now) const {
    return signing(terms, now).certified;
}

WallTime Authorities::signer_until(const CaTerms& terms, WallTime now) const {
    return signing(terms, now).validity.until;
}

std::string Authorities::bundle() const {
    std::string text;
    for (const auto& authority : all_) {
        text += authority.certified.certificate;
    }
    return text;
}

std::string Authorities::keys() const {
    std::string text;
    for (const auto& authority : all_) {
        text += authority.certified.key;
    }
    return text;
}

}  // namespace directfaas::controller
