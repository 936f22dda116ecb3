// SPDX-License-Identifier: Apache-2.0
#include "cni-plugin/call.h"

#include <algorithm>
#include <utility>

namespace directfaas::cni {
namespace {

/// Value of `key` in CNI_ARGS, "A=1;B=2".
std::string argument(std::string_view arguments, std::string_view key) {
    while (!arguments.empty()) {
        const auto end = std::min(arguments.find(';'), arguments.size());
        const auto pair = arguments.substr(0, end);
        const auto equals = pair.find('=');
        if (equals != std::string_view::npos && pair.substr(0, equals) == key) {
            return std::string(pair.substr(equals + 1));
        }
        arguments.remove_prefix(std::min(end + 1, arguments.size()));
    }
    return {};
}

bool named_in(const std::vector<std::string>& list, const std::string& name) {
    return std::ranges::find(list, name) != list.end();
}

CniError bad_config(std::string message) { return {Code::kConfig, std::move(message), ""}; }

std::expected<void, CniError> read_text(const Json& object, const char* name, std::string& value) {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) {
        return {};
    }
    if (!found->is_string()) {
        return std::unexpected(bad_config(std::string(name) + " must be a string"));
    }
    value = found->get<std::string>();
    return {};
}

std::expected<void, CniError> read_list(const Json& object, const char* name,
                                        std::vector<std::string>& value) {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) {
        return {};
    }
    const auto is_text = [](const Json& item) { return item.is_string(); };
    if (!found->is_array() || !std::ranges::all_of(*found, is_text)) {
        return std::unexpected(bad_config(std::string(name) + " must be a list of strings"));
    }
    value = found->get<std::vector<std::string>>();
    return {};
}

std::expected<void, CniError> read_policy(const Json& object, Config& config) {
    std::string policy = "Allow";
    if (auto read = read_text(object, "onAgentUnavailable", policy); !read) {
        return read;
    }
    if (policy != "Fail" && policy != "Allow") {
        return std::unexpected(bad_config("onAgentUnavailable must be Fail or Allow"));
    }
    config.otherwise = policy == "Fail" ? WhenAway::kFail : WhenAway::kAllow;
    const auto gates = object.find("statusGatesNode");
    if (gates != object.end() && !gates->is_boolean()) {
        return std::unexpected(bad_config("statusGatesNode must be true or false"));
    }
    config.status_gates_node = gates != object.end() && gates->get<bool>();
    if (auto read = read_list(object, "failNamespaces", config.fail_namespaces); !read) {
        return read;
    }
    return read_list(object, "allowNamespaces", config.allow_namespaces);
}

/// The specification's name, and the one that libcni also sends because it once had it.
std::optional<Json> attachments_of(const Json& object) {
    for (const auto* key : {"cni.dev/valid-attachments", "cni.dev/attachments"}) {
        const auto found = object.find(key);
        if (found != object.end() && found->is_array()) {
            return *found;
        }
    }
    return std::nullopt;
}

}  // namespace

Call Call::from(const std::function<std::string(const char*)>& get) {
    Call call;
    call.command = get("CNI_COMMAND");
    call.container = get("CNI_CONTAINERID");
    call.netns = get("CNI_NETNS");
    call.interface_name = get("CNI_IFNAME");
    call.trace_parent = get("TRACEPARENT");
    call.path = get("CNI_PATH");
    const auto arguments = get("CNI_ARGS");
    call.pod_namespace = argument(arguments, "K8S_POD_NAMESPACE");
    call.pod_name = argument(arguments, "K8S_POD_NAME");
    call.pod_uid = argument(arguments, "K8S_POD_UID");
    return call;
}

std::optional<CniError> Call::missing() const {
    if (command.empty()) {
        return CniError{Code::kEnvironment, "CNI_COMMAND is not set", ""};
    }
    std::string names;
    const auto need = [&names](const char* name, const std::string& value) {
        if (value.empty()) {
            names += (names.empty() ? "" : ", ") + std::string(name);
        }
    };
    if (command == "ADD" || command == "CHECK") {
        need("CNI_CONTAINERID", container);
        need("CNI_NETNS", netns);
        need("CNI_IFNAME", interface_name);
    }
    if (names.empty()) {
        return std::nullopt;
    }
    return CniError{Code::kEnvironment, command + " needs environment variables", names};
}

std::expected<Config, CniError> Config::parse(std::string_view text) {
    const auto object = Json::parse(text, nullptr, false);
    if (!object.is_object()) {
        return std::unexpected(
            CniError{Code::kDecode, "standard input is no JSON object", std::string()});
    }
    Config config;
    config.allow_namespaces = {"kube-system", "directfaas-system"};
    config.socket = "/run/directfaas/agent.sock";
    for (const auto& [name, value] :
         {std::pair{"cniVersion", &config.cni_version}, std::pair{"socket", &config.socket}}) {
        if (auto read = read_text(object, name, *value); !read) {
            return std::unexpected(read.error());
        }
    }
    if (!is_supported(config.cni_version)) {
        return std::unexpected(
            CniError{Code::kVersion,
                     "cniVersion " + (config.cni_version.empty() ? "0.1.0" : config.cni_version) +
                         " is not supported",
                     "supported: 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0"});
    }
    if (auto read = read_policy(object, config); !read) {
        return std::unexpected(read.error());
    }
    const auto previous = object.find("prevResult");
    if (previous != object.end() && previous->is_object() && !previous->empty()) {
        config.previous = *previous;
    }
    config.valid_attachments = attachments_of(object);
    return config;
}

WhenAway Config::when_away(const std::string& pod_namespace) const {
    if (named_in(allow_namespaces, pod_namespace)) {
        return WhenAway::kAllow;
    }
    return named_in(fail_namespaces, pod_namespace) ? WhenAway::kFail : otherwise;
}

const std::vector<std::string>& supported_versions() {
    static const std::vector<std::string> kVersions{"0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"};
    return kVersions;
}

bool is_supported(const std::string& version) {
    return std::ranges::find(supported_versions(), version) != supported_versions().end();
}

bool at_least(const std::string& version, const std::string& least) {
    const auto& all = supported_versions();
    return std::ranges::find(all, version) >= std::ranges::find(all, least);
}

Json error_json(const CniError& error, const std::string& cni_version) {
    Json json{{"cniVersion", is_supported(cni_version) ? cni_version : supported_versions().back()},
              {"code", static_cast<unsigned>(error.code)},
              {"msg", error.message}};
    if (!error.details.empty()) {
        json["details"] = error.details;
    }
    return json;
}

}  // namespace directfaas::cni
