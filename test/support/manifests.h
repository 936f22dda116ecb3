// SPDX-License-Identifier: Apache-2.0
// Manifests from a compact description, and a directory of them as the agent watches it. Written
// as YAML streams of JSON documents, from the API's own field names and not from the decoder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/util/address.h"
#include "test/support/topology.h"

namespace directfaas::support {

using Json = nlohmann::json;

struct PortSpec {
    std::string name = "http";
    std::uint16_t port = 80;           // of the Service
    std::uint16_t target_port = 8080;  // of an instance
    util::Protocol protocol = util::Protocol::kTcp;
};

/// A function and its Service, which has the same name.
struct FunctionSpec {
    std::string name;
    bool ingress = false;
    std::vector<PortSpec> ports{PortSpec{}};
    bool allow_self = false;
    std::vector<std::uint16_t> open_ports{};  // TCP
    std::string scale_from_zero = "Disabled";
    int affinity_s = 0;  // sessionAffinity: ClientIP
};

struct ChainSpec {
    std::string ns = "shop";
    std::string name = "chain";
    std::string enforcement = "Enforce";
    std::string fast_path = "auto";
    std::map<std::string, FunctionSpec> functions{};
    std::set<std::pair<std::string, std::string>> edges{};
    std::set<std::string> entries{};  // selects pods labelled entry=<name>
};

enum class InstanceState : std::uint8_t { kReady, kNotReady, kTerminating };

Json chain_manifest(const ChainSpec& chain);
Json service_manifest(const std::string& ns, const FunctionSpec& function, const DualAddress& vip);
/// One slice of each address family, as the control plane makes them.
std::vector<Json> slice_manifests(
    const std::string& ns, const FunctionSpec& function,
    const std::vector<std::pair<DualAddress, InstanceState>>& endpoints);
Json pod_manifest(const std::string& ns, const Pod& pod,
                  const std::map<std::string, std::string>& labels);

/// The "spec.nodeName" of a node.
std::string node_name(NodeId id);

/// A temporary directory of manifests, removed with the object.
class ManifestDir {
   public:
    explicit ManifestDir(const std::string& prefix);
    ManifestDir(const ManifestDir&) = delete;
    ManifestDir& operator=(const ManifestDir&) = delete;
    ~ManifestDir();

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    /// Puts a file in place in one step (write aside, rename); without documents it goes. Nothing
    /// happens if it is the same.
    void write(const std::string& file, const std::vector<Json>& documents);

   private:
    std::filesystem::path path_;
    std::map<std::string, std::string> written_;
};

}  // namespace directfaas::support
