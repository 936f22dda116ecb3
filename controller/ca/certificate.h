// SPDX-License-Identifier: Apache-2.0
// Keys and certificates as PEM text, made and read by OpenSSL. Keys are ECDSA on P-256.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "lib/util/result.h"

namespace directfaas::controller {

using WallTime = std::chrono::system_clock::time_point;

/// A certificate and the key that it is about.
struct Certified {
    std::string certificate;
    std::string key;

    bool operator==(const Certified&) const = default;
};

/// In whole seconds.
struct Validity {
    WallTime from;
    WallTime until;

    bool operator==(const Validity&) const = default;
};

/// Signs itself; may sign servers, and no other authority.
util::Result<Certified> make_authority(const std::string& name, const Validity& validity);

/// For a server of these DNS names and IP addresses.
util::Result<Certified> make_server_certificate(const Certified& authority,
                                                const std::vector<std::string>& names,
                                                const Validity& validity);

/// How long this authority may sign. Fails, and says why, if it is none: text that is not
/// understood, a key of another certificate, a certificate that may not sign.
util::Result<Validity> validity_of_authority(const Certified& authority);

/// The PEM blocks of a text, in order; what is between them is left out.
std::vector<std::string> pem_blocks(const std::string& text);

}  // namespace directfaas::controller
