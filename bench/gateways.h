// SPDX-License-Identifier: Apache-2.0
// What the internal calls of a FaaS platform go through without this project: a gateway in a pod of
// its own, here nginx and HAProxy as Debian packages them, where they are installed.
#pragma once

#include <string>
#include <vector>

#include "test/support/socket.h"
#include "test/support/topology.h"

namespace directfaas::bench {

/// Those of "nginx" and "haproxy" that this machine has.
std::vector<std::string> installed_gateways();

/// Starts the gateway in `pod`: HTTP/1.1 on kServerPort, kept connections to the callee, over the
/// family it is called by; one worker. It takes CPU and priority of the calling thread, and ends
/// with it. Returns when it listens; throws support::SupportError with its output if it does not.
void start_gateway(const std::string& name, const support::Pod& pod,
                   const support::SocketAddress& callee_v4,
                   const support::SocketAddress& callee_v6);

}  // namespace directfaas::bench
