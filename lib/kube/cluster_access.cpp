// SPDX-License-Identifier: Apache-2.0
#include "lib/kube/cluster_access.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <array>

#include "lib/util/number.h"
#include "lib/util/unique_fd.h"

namespace directfaas::kube {
namespace {

constexpr std::size_t kMaxCredential = 1U << 20;

}  // namespace

util::Result<std::string> read_credential(const std::string& path) {
    const util::UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd.valid()) {
        return util::fail_errno("open " + path);
    }
    std::string text;
    std::array<char, 4096> buffer{};
    for (;;) {
        const auto count = read(fd.get(), buffer.data(), buffer.size());
        if (count < 0) {
            return util::fail_errno("read " + path);
        }
        if (count == 0) {
            return text;
        }
        text.append(buffer.data(), static_cast<std::size_t>(count));
        if (text.size() > kMaxCredential) {
            return util::fail(path + " is larger than 1 MiB, which no credential is");
        }
    }
}

util::Result<std::string> Pem::read() const {
    return data.empty() && !file.empty() ? read_credential(file) : util::Result<std::string>(data);
}

std::string ClusterAccess::url() const {
    const bool v6 = host.contains(':');
    return fmt::format("{}://{}{}{}:{}{}", tls ? "https" : "http", v6 ? "[" : "", host,
                       v6 ? "]" : "", port, base_path);
}

util::Result<ClusterAccess> in_cluster(const Environment& environment,
                                       const std::string& directory) {
    auto host = environment("KUBERNETES_SERVICE_HOST").value_or("");
    const auto port = environment("KUBERNETES_SERVICE_PORT").value_or("");
    if (host.empty() || port.empty()) {
        return util::fail(
            "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set, so this is no pod of "
            "a cluster; outside of one, name a kubeconfig with --kubeconfig");
    }
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    ClusterAccess access;
    access.host = host;
    access.port = util::parse_number<std::uint16_t>(port).value_or(0);
    if (access.port == 0) {
        return util::fail(fmt::format("KUBERNETES_SERVICE_PORT is \"{}\", which is no port", port));
    }
    access.ca.file = directory + "/ca.crt";
    access.token_file = directory + "/token";
    for (const auto& file : {access.ca.file, access.token_file}) {
        if (auto readable = read_credential(file); !readable) {
            return util::pass(readable.error(),
                              "service account (is automountServiceAccountToken off?)");
        }
    }
    if (auto ns = read_credential(directory + "/namespace"); ns && !ns->empty()) {
        access.ns = *ns;
    }
    return access;
}

}  // namespace directfaas::kube
