// SPDX-License-Identifier: Apache-2.0
// A real kube-proxy as a peer: it makes rules for as many Services as wanted, which a real
// kube-apiserver has, in the namespaces that are the benchmark's nodes.
#pragma once

#include <string>
#include <vector>

#include "test/kube/apiserver.h"
#include "test/support/netns.h"
#include "test/support/socket.h"

namespace directfaas::bench {

/// Port of every Service.
inline constexpr std::uint16_t kKubeServicePort = 80;

/// An apiserver with Services. Only in a private world (bench/private_world.h), whose namespace it
/// listens in.
class KubeServices {
   public:
    /// `server` is the endpoint of the first ten Services, which servers() tells. Of ten, since
    /// kube-proxy puts its rules in an order of its own, and a connection takes as long as its
    /// Service's rule is far from the first.
    explicit KubeServices(const support::SocketAddress& server);

    /// Makes Services, each with one endpoint, until there are so many.
    void grow(unsigned count);
    /// ClusterIPs of the Services whose endpoint is `server`.
    [[nodiscard]] const std::vector<support::SocketAddress>& servers() const { return servers_; }
    /// Links a namespace with the apiserver. Once for each, before load().
    void connect(const support::Netns& node);
    /// Takes away what kube-proxy may have left in `node`, then runs it in `mode` ("iptables",
    /// "nftables") until `client`, a pod of the node, reaches all of servers(): seconds it took.
    /// kube-proxy is ended then; its rules stay. Throws SupportError with its log.
    double load(const support::Netns& node, const std::string& mode, const support::Netns& client);

   private:
    void make(unsigned from, unsigned to) const;
    [[nodiscard]] std::vector<std::string> command(const std::string& mode) const;

    support::SocketAddress server_;
    test::Apiserver apiserver_;
    std::vector<support::SocketAddress> servers_;
    unsigned made_ = 0;
    unsigned nodes_ = 0;
};

}  // namespace directfaas::bench
