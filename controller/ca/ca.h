// SPDX-License-Identifier: Apache-2.0
// The controller's certificate authority: kept in a Secret, rotated before it runs out, told to
// clients by a ConfigMap, and used for this replica's own server certificate, whose key never
// leaves the process. Replicas need not agree on who does it: whoever is second reads what the
// first has written.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controller/ca/authorities.h"
#include "lib/kube/client.h"

namespace directfaas::controller {

struct CaOptions {
    std::string ns;
    /// Of the Secret and of the ConfigMap. Both must exist, empty at first: who may create any
    /// Secret could not be held to one.
    std::string name = "directfaas-ca";
    std::vector<std::string> server_names;  // DNS names and addresses of this replica's server
    CaTerms terms{};
};

class Ca {
   public:
    using Now = std::function<WallTime()>;

    /// One thread at a time. `client` must outlive it.
    Ca(kube::Client& client, CaOptions options, Now now = std::chrono::system_clock::now);

    /// Reads the Secret, and writes it and the ConfigMap if it is time. Call it again and again.
    void step();

    /// For this replica's server; nothing before the first step() that succeeded. Stays in use
    /// while the Secret cannot be read.
    [[nodiscard]] const std::optional<Certified>& server() const { return server_; }
    [[nodiscard]] WallTime server_until() const { return server_until_; }
    /// Of the authority that signed it.
    [[nodiscard]] WallTime authority_until() const { return authority_until_; }
    /// Why the last step() failed, if it did.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }

   private:
    struct Held {
        std::string version;  // resourceVersion
        std::string bundle;
        std::string keys;
    };

    kube::Answer<Held> read_secret();
    kube::Answer<std::string> write_secret(const Held& before, const Authorities& authorities);
    /// Nothing: somebody else was faster, read again.
    util::Result<std::optional<Authorities>> agree();
    util::Result<void> publish(const std::string& bundle);
    util::Result<void> renew_server(const Authorities& authorities);

    kube::Client& client_;
    CaOptions options_;
    Now now_;
    std::optional<Certified> server_;
    Certified signer_;  // of server_
    WallTime server_until_;
    WallTime authority_until_;
    std::string trouble_;
};

}  // namespace directfaas::controller
