// SPDX-License-Identifier: Apache-2.0
// The requests of directfaas-cni. Unlike dfctl's, a field that is not known is passed over: on a
// node, plugin and agent are not always of one version.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/cni/store.h"
#include "agent/control/control.h"

namespace directfaas::control {
namespace {

constexpr int kMaxWaitMs = 10000;

std::string text_of(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

unsigned number_of(const Json& object, const char* name, unsigned most) {
    const auto found = object.find(name);
    return found != object.end() && found->is_number_unsigned()
               ? static_cast<unsigned>(std::min<std::uint64_t>(found->get<std::uint64_t>(), most))
               : 0;
}

Refusal bad(std::string error) { return {"bad_request", std::move(error), ""}; }

std::expected<cni::Key, Refusal> key_of(const Json& object) {
    cni::Key key;
    if (object.is_object()) {
        key = {text_of(object, "container"), text_of(object, "container_interface")};
    }
    if (key.container.empty() || key.container_interface.empty()) {
        return std::unexpected(bad("an attachment has container and container_interface"));
    }
    return key;
}

Json standing_json(const cni::Standing& standing) {
    Json json{{"ok", true}, {"state", cni::name_of(standing.state)}};
    if (!standing.why.empty()) {
        json["why"] = standing.why;
    }
    return json;
}

Answer check(AgentAccess& agent, const Json& object) {
    const auto pod = text_of(object, "pod");
    const auto slash = pod.find('/');
    const auto ifindex = number_of(object, "ifindex", ~0U);
    if (slash == std::string::npos || ifindex == 0) {
        return std::unexpected(bad("cni_check has pod (namespace/name) and ifindex"));
    }
    return standing_json(agent.cni_check({pod.substr(0, slash), pod.substr(slash + 1)}, ifindex));
}

Answer forget(AgentAccess& agent, const Json& object) {
    const auto key = key_of(object);
    if (!key) {
        return std::unexpected(key.error());
    }
    agent.cni_del(*key);
    return Json{{"ok", true}};
}

/// A list with one wrong item removes nothing.
Answer collect(AgentAccess& agent, const Json& object) {
    const auto list = object.find("valid");
    if (list == object.end() || !list->is_array()) {
        return std::unexpected(bad("cni_gc has a list, valid"));
    }
    std::vector<cni::Key> valid;
    for (const auto& item : *list) {
        auto key = key_of(item);
        if (!key) {
            return std::unexpected(key.error());
        }
        valid.push_back(*std::move(key));
    }
    return Json{{"ok", true}, {"removed", agent.cni_gc(valid)}};
}

Answer readiness(AgentAccess& agent) {
    const auto reasons = agent.facts().not_ready;
    return Json{{"ok", true},
                {"ready", reasons.empty()},
                {"not_ready_because", fmt::format("{}", fmt::join(reasons, "; "))}};
}

}  // namespace

std::optional<Answer> Control::cni(ClientId client, const Request& request, bool& answered_later) {
    const auto& command = request.command();
    if (command == "cni_add") {
        return cni_add(client, request, answered_later);
    }
    if (command == "cni_check") {
        return check(agent_, request.whole());
    }
    if (command == "cni_del") {
        return forget(agent_, request.whole());
    }
    if (command == "cni_gc") {
        return collect(agent_, request.whole());
    }
    if (command == "cni_status") {
        return readiness(agent_);
    }
    return std::nullopt;
}

Answer Control::cni_add(ClientId client, const Request& request, bool& answered_later) {
    auto attachment =
        cni::attachment_from(request.whole().dump(-1, ' ', false, Json::error_handler_t::replace));
    if (!attachment) {
        return std::unexpected(bad(attachment.error().text()));
    }
    attachment->fresh = true;
    answered_later = true;
    const std::chrono::milliseconds patience(number_of(request.whole(), "wait_ms", kMaxWaitMs));
    agent_.cni_add(*std::move(attachment), patience, [this, client](const cni::Standing& standing) {
        reply(client, standing_json(standing));
    });
    return Json();
}

}  // namespace directfaas::control
