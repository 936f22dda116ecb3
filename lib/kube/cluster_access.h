// SPDX-License-Identifier: Apache-2.0
// How an apiserver is reached, and as whom. Values only; files are read again at each connect, so
// that rotated certificates and tokens are taken up.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "lib/util/result.h"

namespace directfaas::kube {

/// PEM text, or a file that holds it. Neither: none.
struct Pem {
    std::string data;
    std::string file;

    [[nodiscard]] bool empty() const { return data.empty() && file.empty(); }
    /// Empty if there is none; fails if the file cannot be read.
    [[nodiscard]] util::Result<std::string> read() const;
};

struct ClusterAccess {
    bool tls = true;
    std::string host;  // without brackets
    int port = 443;
    std::string base_path;  // before every request's path; no slash at its end
    bool verify = true;     // the server's certificate
    Pem ca;
    Pem client_certificate;
    Pem client_key;
    std::string token;
    std::string token_file;  // wins over `token`
    std::string ns = "default";

    [[nodiscard]] std::string url() const;
};

/// Name of a variable → its value; nothing if it is not set. getenv() but for tests.
using Environment = std::function<std::optional<std::string>(const char* name)>;

inline constexpr const char* kServiceAccountDirectory =
    "/var/run/secrets/kubernetes.io/serviceaccount";

/// The pod's service account: KUBERNETES_SERVICE_HOST and _PORT, and the files token, ca.crt and
/// namespace of `directory`.
util::Result<ClusterAccess> in_cluster(const Environment& environment,
                                       const std::string& directory = kServiceAccountDirectory);

/// The current context of a kubeconfig, or the one named `context`. What only kubectl can do
/// (exec plugins, auth providers, impersonation, proxies) is refused by name.
util::Result<ClusterAccess> from_kubeconfig(const std::string& path,
                                            const std::string& context = "");

/// A whole file. Fails also if it is larger than 1 MiB.
util::Result<std::string> read_credential(const std::string& path);

}  // namespace directfaas::kube
