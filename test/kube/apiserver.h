// SPDX-License-Identifier: Apache-2.0
// A real kube-apiserver on a real etcd, both on ports of their own. No kubelet: nodes and pods are
// objects that a test writes.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lib/kube/client.h"
#include "lib/kube/cluster_access.h"

namespace directfaas::test {

using Json = nlohmann::json;

/// Where test/cluster/build keeps kubectl and the rest.
std::string cluster_binary(const std::string& name);

class Apiserver {
   public:
    /// Listens on `address`, which the caller's namespace has; it ends with the object, or with the
    /// calling thread. `more` are further arguments of kube-apiserver. Throws SupportError, with
    /// the end of the log, if it does not become ready.
    explicit Apiserver(std::string address = "127.0.0.1",
                       const std::vector<std::string>& more = {});
    Apiserver(const Apiserver&) = delete;
    Apiserver& operator=(const Apiserver&) = delete;
    ~Apiserver();

    /// As the administrator, or as whose token it is.
    [[nodiscard]] kube::ClusterAccess access(const std::string& token = "") const;
    [[nodiscard]] std::unique_ptr<kube::Client> client(const std::string& token = "") const;
    /// A file for the administrator, or for whose token it is.
    [[nodiscard]] std::string kubeconfig(const std::string& token = "") const;
    [[nodiscard]] const std::string& directory() const { return directory_; }
    /// etcd and kube-apiserver.
    [[nodiscard]] const std::vector<pid_t>& processes() const { return children_; }

    // What a test does as the administrator; a refusal is an exception with the server's words.
    Json create(const std::string& path, const Json& object) const;
    [[nodiscard]] Json get(const std::string& path) const;
    Json merge(const std::string& path, const Json& patch) const;
    void remove(const std::string& path) const;
    /// kubectl, whose output is returned.
    std::string kubectl(std::vector<std::string> arguments, const std::string& input = "") const;
    /// Applies the CRDs of the chart and waits until they are served.
    void install_crds() const;

   private:
    void start_etcd();
    void start_apiserver(const std::vector<std::string>& more);
    [[nodiscard]] std::string log_end() const;

    std::string address_;
    std::string directory_;
    int etcd_port_ = 0;
    int port_ = 0;
    std::vector<pid_t> children_;
};

/// A port of 127.0.0.1: nobody waits for it between this and its use.
int free_port();

/// One for the test program, started when it is first needed.
Apiserver& apiserver();

}  // namespace directfaas::test
