// SPDX-License-Identifier: Apache-2.0
// What a client makes of a certificate.
#pragma once

#include <string>

#include "controller/ca/certificate.h"

namespace directfaas::controller {

/// Empty: a client that trusts `bundle` takes `certificate` for a server `host` at `time`;
/// otherwise why not.
std::string distrust(const std::string& bundle, const std::string& certificate,
                     const std::string& host, WallTime time);

}  // namespace directfaas::controller
