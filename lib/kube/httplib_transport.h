// SPDX-License-Identifier: Apache-2.0
// HttpTransport on cpp-httplib and OpenSSL.
#pragma once

#include <memory>

#include "lib/kube/cluster_access.h"
#include "lib/kube/http_transport.h"
#include "lib/kube/token_source.h"

namespace directfaas::kube {

struct TransportLimits {
    std::chrono::seconds connect_timeout{5};
    /// Data or a keep-alive probe that nobody acknowledges for so long ends the connection.
    std::chrono::seconds dead_peer{30};
    std::size_t max_body = 256U << 20;  // of an answer that is not streamed
};

/// A transport for `access`. Every streamed request, and every other one a minute after the last
/// connect, reads certificates and token anew. A 401 is tried once more with a token read anew.
/// A process that has not said what SIGPIPE is to do ignores it from the first transport on.
std::unique_ptr<HttpTransport> make_httplib_transport(std::shared_ptr<const ClusterAccess> access,
                                                      std::shared_ptr<TokenSource> tokens,
                                                      TransportLimits limits = {});

/// Transports that share one token source.
MakeTransport transports_to(const ClusterAccess& access, TransportLimits limits = {});

}  // namespace directfaas::kube
