// SPDX-License-Identifier: Apache-2.0
// directfaas-controller as a process, against the test's apiserver.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "test/kube/apiserver.h"

namespace directfaas::test {

class ControllerProcess {
   public:
    /// `identity` is what the Lease will say.
    ControllerProcess(const Apiserver& server, std::string identity, const std::string& token = "",
                      const std::string& lease_namespace = "default",
                      const std::vector<std::string>& more = {});
    ControllerProcess(const ControllerProcess&) = delete;
    ControllerProcess& operator=(const ControllerProcess&) = delete;
    ~ControllerProcess();

    void kill_now();
    /// SIGTERM, and waits for its end; its exit status.
    int terminate();

    [[nodiscard]] const std::string& identity() const { return identity_; }
    [[nodiscard]] std::string http(const std::string& path) const;
    [[nodiscard]] bool leads() const;
    [[nodiscard]] std::string log() const;

   private:
    std::string identity_;
    std::string log_;
    int port_ = 0;
    pid_t child_ = -1;
};

}  // namespace directfaas::test
