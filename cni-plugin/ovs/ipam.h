// SPDX-License-Identifier: Apache-2.0
// Delegation to the plugin that gives addresses (CNI specification, section 4): it is run with our
// configuration and environment, and another CNI_COMMAND.
#pragma once

#include <expected>
#include <string>

#include "cni-plugin/ovs/config.h"

namespace directfaas::cni::ovs {

class Ipam {
   public:
    /// Looks for the program in CNI_PATH.
    static std::expected<Ipam, CniError> find(const Call& call, const NetworkConfig& config);

    /// Its result; empty for a command that has none.
    std::expected<Json, CniError> run(const char* command) const;
    /// The same for another container's interface: GC by a plugin that knows no GC.
    std::expected<Json, CniError> remove(const std::string& container,
                                         const std::string& interface_name) const;
    [[nodiscard]] bool knows(const std::string& cni_version) const;

   private:
    std::string program_;
    std::string input_;  // our configuration, in a version that it knows
    Json versions_;
};

}  // namespace directfaas::cni::ovs
