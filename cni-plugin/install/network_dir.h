// SPDX-License-Identifier: Apache-2.0
// The directory in which a container runtime looks for its network.
#pragma once

#include <string>
#include <vector>

#include "cni-plugin/install/network_list.h"
#include "lib/util/result.h"

namespace directfaas::cni_install {

/// kInPlace: our entry goes into the network's own file. kDropIn: into
/// <dir>/<network>/directfaas.conf, for runtimes with libcni 1.3 or later.
enum class Method { kInPlace, kDropIn };

enum class Done {
    kNothing,    // it was as it should be
    kChanged,    // it is now
    kNoNetwork,  // there is no network to chain to (yet)
    kAgain,      // somebody else was writing; look again
};

class NetworkDir {
   public:
    NetworkDir(std::string dir, Method method) : dir_(std::move(dir)), method_(method) {}

    /// Makes the network that the runtime would take end with `entry`.
    util::Result<Done> ensure(const Json& entry);
    /// What the last ensure() could not use, and why, a line each: files that a runtime passes
    /// over, too. They are left as they are.
    [[nodiscard]] const std::vector<std::string>& passed_over() const { return passed_over_; }
    /// Takes our plugin out of every file, and gives a single plugin's file its form back.
    util::Result<void> withdraw();

   private:
    [[nodiscard]] std::vector<std::string> files() const;
    util::Result<Done> drop_in(const NetworkList& network, const Json& entry) const;
    util::Result<Done> in_place(const std::string& file, const std::string& before,
                                NetworkList network, const Json& entry) const;
    util::Result<Done> as_list(const std::string& file, const NetworkList& network) const;
    util::Result<void> withdraw_from(const std::string& file) const;
    void remove_drop_ins() const;

    std::string dir_;
    Method method_;
    std::vector<std::string> passed_over_;
};

}  // namespace directfaas::cni_install
