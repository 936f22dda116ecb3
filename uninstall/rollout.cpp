// SPDX-License-Identifier: Apache-2.0
#include "uninstall/rollout.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "lib/util/log.h"

namespace directfaas::uninstall {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

std::int64_t number(const Json& object, const char* group, const char* field) {
    const auto found = object.find(group);
    if (found == object.end() || !found->is_object()) {
        return 0;
    }
    const auto value = found->find(field);
    return value != found->end() && value->is_number_integer() ? value->get<std::int64_t>() : 0;
}

/// An apiserver that is away for a moment is asked again; nothing is known of it then.
Progress look(kube::Client& client, const std::string& path) {
    const auto answer = client.get(path);
    if (!answer) {
        util::log::warning("{}", answer.error().text());
        return {};
    }
    return progress_of(*answer).value_or(Progress{});
}

}  // namespace

util::Result<Progress> progress_of(const std::string& daemonset) {
    const auto object = Json::parse(daemonset, nullptr, false);
    if (!object.is_object() || object.value("kind", Json()) != "DaemonSet") {
        return util::fail("this is no DaemonSet");
    }
    return Progress{
        .seen = number(object, "status", "observedGeneration") >=
                number(object, "metadata", "generation"),
        .wanted = number(object, "status", "desiredNumberScheduled"),
        .updated = number(object, "status", "updatedNumberScheduled"),
        .ready = number(object, "status", "numberReady"),
    };
}

util::Result<void> roll_out(kube::Client& client, const std::string& ns, const std::string& name,
                            const std::string& patch, const Patience& patience) {
    const auto path = kube::object_path(
        {.path = fmt::format("/apis/apps/v1/namespaces/{}/daemonsets", ns)}, name);
    if (const auto merged = client.merge(path, patch); !merged) {
        return util::fail(fmt::format("DaemonSet {}/{}: {}", ns, name, merged.error().text()));
    }
    const auto deadline = Clock::now() + patience.timeout;
    Progress last;
    while (Clock::now() < deadline) {
        const auto now = look(client, path);
        if (now.complete()) {
            util::log::info("{} nodes are clean", now.wanted);
            return {};
        }
        if (now.clean() != last.clean()) {
            util::log::info("{} of {} nodes are clean", now.clean(), now.wanted);
        }
        last = now;
        std::this_thread::sleep_for(patience.period);
    }
    return util::fail(fmt::format(
        "after {} s {} of {} nodes are clean; see `kubectl -n {} get pods -o wide` for the others",
        std::chrono::duration_cast<std::chrono::seconds>(patience.timeout).count(), last.clean(),
        last.wanted, ns));
}

}  // namespace directfaas::uninstall
