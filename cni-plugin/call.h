// SPDX-License-Identifier: Apache-2.0
// What a container runtime asks of a CNI plugin: the environment and the JSON on standard input.
#pragma once

#include <expected>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace directfaas::cni {

/// Keeps the order of fields: what another plugin wrote is passed on as it was.
using Json = nlohmann::ordered_json;

/// The specification's error codes; from 100 on our own.
enum class Code : unsigned {
    kVersion = 1,
    kEnvironment = 4,
    kInputOutput = 5,
    kDecode = 6,
    kConfig = 7,
    kTryAgain = 11,
    kNotAvailable = 50,
    kInternal = 999,
    kNotEnforced = 100,
};

struct CniError {
    Code code = Code::kInternal;
    std::string message;
    std::string details;
};

/// CNI_* of the environment.
struct Call {
    std::string command;
    std::string container;
    std::string netns;
    std::string interface_name;
    std::string pod_namespace;  // of CNI_ARGS, as are the next two
    std::string pod_name;
    std::string pod_uid;
    std::string trace_parent;
    std::string path;  // CNI_PATH: folders of plugins, separated by colons

    /// `get` returns "" for a variable that is not set.
    static Call from(const std::function<std::string(const char*)>& get);
    /// Names every variable that the command needs and that is missing.
    [[nodiscard]] std::optional<CniError> missing() const;
    [[nodiscard]] std::string pod() const { return pod_namespace + "/" + pod_name; }
    [[nodiscard]] bool names_pod() const { return !pod_namespace.empty() && !pod_name.empty(); }
};

enum class WhenAway { kFail, kAllow };

/// Our object of the network's list, as the runtime hands it over.
struct Config {
    std::string cni_version;
    std::string socket;
    WhenAway otherwise = WhenAway::kAllow;
    std::vector<std::string> fail_namespaces;
    std::vector<std::string> allow_namespaces;
    bool status_gates_node = false;
    std::optional<Json> previous;           // prevResult
    std::optional<Json> valid_attachments;  // of GC; nothing: the list is missing

    static std::expected<Config, CniError> parse(std::string_view text);
    /// What becomes of a pod of this namespace while the agent does not answer. A namespace that
    /// both lists name is allowed: the agent's own pods must never wait for the agent.
    [[nodiscard]] WhenAway when_away(const std::string& pod_namespace) const;
};

/// Every version served, lowest first.
const std::vector<std::string>& supported_versions();
bool is_supported(const std::string& version);
/// Numerically, field by field; both must be supported ones.
bool at_least(const std::string& version, const std::string& least);

/// The error object of the specification.
Json error_json(const CniError& error, const std::string& cni_version);

}  // namespace directfaas::cni
