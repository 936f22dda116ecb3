// SPDX-License-Identifier: Apache-2.0
// The command line of directfaas-controller, as checked values.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "lib/util/log.h"

namespace directfaas::controller {

struct Options {
    std::string kubeconfig;  // empty: the service account of the pod
    std::string lease_ns;    // empty: the service account's
    std::string lease = "directfaas-controller";
    std::string identity;  // default: the host's name and a random part
    std::chrono::milliseconds lease_duration{15000};
    std::string http_host = "0.0.0.0";
    std::uint16_t http_port = 9468;
    std::string https_host;
    std::uint16_t https_port = 0;          // 0: no TLS, and no certificate authority
    std::vector<std::string> https_names;  // in the certificate, besides the Service's
    std::string ca = "directfaas-ca";      // Secret and ConfigMap, in the Lease's namespace
    util::log::Level log_level = util::log::Level::kInfo;
    util::log::Format log_format = util::log::Format::kText;
};

/// The command line asks for nothing to be run: print and end.
struct Stop {
    int exit_status = 0;  // 0: --help, --version; 2: a mistake
    std::string text;
};

/// Reads arguments, without the program's name.
std::expected<Options, Stop> parse_options(std::vector<std::string> arguments);

}  // namespace directfaas::controller
