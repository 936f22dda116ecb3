// SPDX-License-Identifier: Apache-2.0
#include "cni-plugin/verbs.h"

#include <utility>

#include "cni-plugin/agent_client.h"
#include "cni-plugin/host_veth.h"
#include "cni-plugin/pending.h"

namespace directfaas::cni {
namespace {

/// Together with the second that netlink may take, below 5 s in all.
constexpr std::chrono::milliseconds kAgentPatience{3800};
/// How long the agent may wait for the pod's object and the switch, so that its answer still comes.
constexpr int kEnforceMs = 3000;

/// The result of the plugins before us; only a missing version is filled in.
std::string passed_on(const Config& config) {
    Json result = *config.previous;
    if (!result.contains("cniVersion")) {
        result["cniVersion"] = config.cni_version;
    }
    return text(result);
}

Json addresses_of(const Config& config) {
    Json list = Json::array();
    const auto ips = config.previous->find("ips");
    if (ips == config.previous->end() || !ips->is_array()) {
        return list;
    }
    for (const auto& ip : *ips) {
        if (ip.is_object() && ip.contains("address") && ip["address"].is_string()) {
            const auto address = ip["address"].get<std::string>();
            list.push_back(address.substr(0, address.find('/')));
        }
    }
    return list;
}

Json request_for(const char* command, const Call& call) {
    return {{"command", command},
            {"container", call.container},
            {"container_interface", call.interface_name},
            {"pod", call.names_pod() ? call.pod() : ""}};
}

Json add_request(const Call& call, const Config& config, const HostVeth& veth) {
    auto request = request_for("cni_add", call);
    request["uid"] = call.pod_uid;
    request["interface"] = veth.name;
    request["ifindex"] = veth.ifindex;
    request["netns"] = std::to_string(veth.netns_inode);
    request["addresses"] = addresses_of(config);
    request["wait_ms"] = kEnforceMs;
    return request;
}

CniError not_yet(const Call& call, const std::string& why) {
    return {Code::kTryAgain, "pod " + call.pod() + " is not under the switch's control yet", why};
}

/// The agent does not answer, or does not know enough in time.
Result add_without_agent(const Call& call, const Config& config, const Json& request,
                         const std::string& why, std::string& notes) {
    if (config.when_away(call.pod_namespace) == WhenAway::kFail) {
        return std::unexpected(not_yet(call, why));
    }
    notes += why + "; the pod starts all the same\n";
    if (auto left = leave_pending(config.socket, call, request); !left) {
        notes += left.error() + "\n";
    }
    return passed_on(config);
}

/// Nothing: not a pod, or no veth; `notes` says so.
std::expected<std::optional<HostVeth>, CniError> veth_of(const Call& call, const Config& config,
                                                         std::string& notes) {
    if (!config.previous) {
        return std::unexpected(
            CniError{Code::kConfig, "prevResult is missing or empty",
                     "directfaas-cni works only behind the plugin that makes the interface"});
    }
    if (!call.names_pod()) {
        notes += "CNI_ARGS name no pod; nothing to attach\n";
        return std::optional<HostVeth>();
    }
    auto veth = find_host_veth(call.netns, call.interface_name);
    if (!veth) {
        return std::unexpected(
            CniError{Code::kInputOutput, "find the host's interface", veth.error()});
    }
    if (!*veth) {
        notes += call.interface_name + " of pod " + call.pod() +
                 " has no veth on the host: it cannot be attached\n";
    }
    return *veth;
}

Result add(const Call& call, const Config& config, std::string& notes) {
    const auto veth = veth_of(call, config, notes);
    if (!veth) {
        return std::unexpected(veth.error());
    }
    if (!*veth) {
        return passed_on(config);
    }
    const auto request = add_request(call, config, **veth);
    const auto answer = ask_agent(config.socket, request, kAgentPatience);
    if (!answer) {
        return add_without_agent(call, config, request, answer.error(), notes);
    }
    if (!(*answer)["ok"].get<bool>()) {
        return add_without_agent(call, config, request, answer->value("error", "refused"), notes);
    }
    const auto state = answer->value("state", "");
    if (state == "enforced" || state == "no_function") {
        return passed_on(config);
    }
    // The agent knows of the interface: nothing needs to be left for it.
    const auto why = answer->value("why", "the agent says " + state);
    if (config.when_away(call.pod_namespace) == WhenAway::kFail) {
        return std::unexpected(not_yet(call, why));
    }
    notes += why + "; the pod starts all the same\n";
    return passed_on(config);
}

Result check(const Call& call, const Config& config, std::string& notes) {
    const auto veth = veth_of(call, config, notes);
    if (!veth) {
        return std::unexpected(veth.error());
    }
    if (!*veth) {
        return "";
    }
    auto request = request_for("cni_check", call);
    request["ifindex"] = (*veth)->ifindex;
    const auto answer = ask_agent(config.socket, request, kAgentPatience);
    const bool strict = config.when_away(call.pod_namespace) == WhenAway::kFail;
    if (!answer) {
        if (strict) {
            return std::unexpected(not_yet(call, answer.error()));
        }
        notes += answer.error() + "\n";
        return "";
    }
    const auto state = answer->value("state", "");
    if (state == "enforced" || state == "no_function" || (state == "unknown_pod" && !strict)) {
        return "";
    }
    return std::unexpected(CniError{Code::kNotEnforced,
                                    "pod " + call.pod() + " is not under the switch's control",
                                    answer->value("why", answer->value("error", state))});
}

/// The runtime calls the plugins in reverse and stops at the first failure, so a failing DEL would
/// leak the main plugin's address. What goes wrong is noted and made good later.
void remove(const Call& call, std::string_view input, std::string& notes) {
    const auto config = Config::parse(input);
    if (!config) {
        notes += "configuration: " + config.error().message + "\n";
        return;
    }
    if (call.container.empty() || call.interface_name.empty()) {
        notes += "CNI_CONTAINERID or CNI_IFNAME is not set: nothing to remove\n";
        return;
    }
    const auto request = request_for("cni_del", call);
    const auto answer = ask_agent(config->socket, request, kAgentPatience);
    if (answer && (*answer)["ok"].get<bool>()) {
        return;
    }
    notes += (answer ? answer->value("error", "refused") : answer.error()) + "\n";
    if (auto left = leave_pending(config->socket, call, request); !left) {
        notes += left.error() + "\n";
    }
}

/// A missing list means "do nothing", never "everything is stale".
Result collect(const Config& config, std::string& notes) {
    if (!config.valid_attachments) {
        notes += "no list of valid attachments: nothing is removed\n";
        return "";
    }
    Json valid = Json::array();
    for (const auto& item : *config.valid_attachments) {
        if (!item.is_object() || !item.contains("containerID") || !item.contains("ifname")) {
            return std::unexpected(CniError{Code::kConfig,
                                            "an item of cni.dev/valid-attachments is wrong",
                                            "each has containerID and ifname"});
        }
        valid.push_back(
            {{"container", item["containerID"]}, {"container_interface", item["ifname"]}});
    }
    const Json request{{"command", "cni_gc"}, {"valid", std::move(valid)}};
    const auto answer = ask_agent(config.socket, request, kAgentPatience);
    if (!answer) {
        notes += answer.error() + "; what is stale goes with its interface\n";
        return "";
    }
    if (!(*answer)["ok"].get<bool>()) {
        return std::unexpected(
            CniError{Code::kInternal, "the agent could not collect", answer->value("error", "")});
    }
    return "";
}

Result status(const Config& config, std::string& notes) {
    const auto answer = ask_agent(config.socket, {{"command", "cni_status"}}, kAgentPatience);
    std::string why;
    if (!answer) {
        why = answer.error();
    } else if (!(*answer)["ok"].get<bool>() || !answer->value("ready", false)) {
        why = answer->value("not_ready_because", answer->value("error", "the agent is not ready"));
    }
    if (!why.empty() && config.status_gates_node) {
        return std::unexpected(
            CniError{Code::kNotAvailable, "the DirectFaaS agent is not ready", why});
    }
    notes += why.empty() ? "" : why + "\n";
    return "";
}

}  // namespace

Outcome run(const Call& call, std::string_view input) noexcept {
    static const Verbs kVerbs{
        .add = [](const Verbs::Given& given,
                  std::string& notes) { return add(given.call, given.config, notes); },
        .check = [](const Verbs::Given& given,
                    std::string& notes) { return check(given.call, given.config, notes); },
        .collect = [](const Verbs::Given& given,
                      std::string& notes) { return collect(given.config, notes); },
        .status = [](const Verbs::Given& given,
                     std::string& notes) { return status(given.config, notes); },
        .remove = remove};
    return run(kVerbs, call, input);
}

}  // namespace directfaas::cni
