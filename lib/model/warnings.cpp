// SPDX-License-Identifier: Apache-2.0
// Standing warnings: what is accepted but cannot work as its author hopes.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lib/model/generator.h"
#include "lib/model/object_text.h"

namespace directfaas::model {
namespace {

class FunctionWarnings {
   public:
    FunctionWarnings(const FunctionNode& node, std::vector<Problem>& out)
        : state_(node.second), function_(*state_.in_graph.statement), out_(out) {}

    void add_all() {
        const auto& flaws = state_.flaws;
        const ObjectName service{state_.in_graph.chain->name.ns, function_.service};
        if (flaws.no_service) {
            add(fmt::format("there is no Service {}, so it has no vIP and no instances",
                            service.text()),
                "Create the Service or correct serviceRef.name");
        }
        if (flaws.headless) {
            add(fmt::format("Service {} ({}) is headless, so it has no vIP; only calls by pod "
                            "address are judged",
                            service.text(), state_.service->where.text()),
                "Give the Service a clusterIP, or name another one in serviceRef.name");
        }
        if (flaws.no_selector) {
            add(fmt::format("Service {} ({}) has no selector, so its pods are not known and its "
                            "vIP is not served",
                            service.text(), state_.service->where.text()),
                "Give the Service a selector that matches the function's pods");
        }
        if (flaws.other_proxy) {
            add(fmt::format("Service {} ({}) is served by another proxy, {}, so its vIP is left to "
                            "that; only calls by pod address are judged",
                            service.text(), state_.service->where.text(), state_.service->proxy),
                fmt::format("Set its label service.kubernetes.io/service-proxy-name to {}, or "
                            "remove it",
                            kOwnProxyName));
        }
        if (flaws.no_such_port) {
            add(fmt::format("Service {} ({}) has no port {}", service.text(),
                            state_.service->where.text(),
                            function_.service_port.value_or("at all")),
                fmt::format("Correct serviceRef.port; there are: {}", port_names()));
        }
        if (flaws.no_slice_port) {
            add(fmt::format("an EndpointSlice of Service {} has none of the Service's ports, so "
                            "its instances are not called",
                            service.text()),
                fmt::format("Give its ports the names and protocols of the Service's: {}",
                            port_names()));
        }
        for (const auto& caller : state_.unknown_callers) {
            add(fmt::format("exposure.from names {}, which is in no chain", caller.text()),
                "Correct the name or add it to a chain of its namespace");
        }
    }

   private:
    void add(const std::string& message, std::string advice) {
        out_.push_back(
            {Problem::Severity::kWarning, function_.where, describe(*state_.in_graph.chain),
             fmt::format("function {}: {}", function_.name, message), std::move(advice)});
    }

    [[nodiscard]] std::string port_names() const {
        std::vector<std::string> names;
        names.reserve(state_.service->ports.size());
        for (const auto& port : state_.service->ports) {
            names.push_back(fmt::format("{}{}{}/{}", port.name, port.name.empty() ? "" : " ",
                                        port.port, util::protocol_name(port.protocol)));
        }
        return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
    }

    const FunctionState& state_;
    const ChainFunction& function_;
    std::vector<Problem>& out_;
};

Problem contested(const Pod& pod, const std::vector<const Identity*>& owners) {
    std::vector<std::string> names;
    names.reserve(owners.size());
    for (const auto* owner : owners) {
        names.push_back(phrase(*owner));
    }
    return {Problem::Severity::kWarning, pod.where, describe(pod),
            fmt::format("its labels are selected by {}; it counts as {}", fmt::join(names, " and "),
                        names.front()),
            "Change the labels or the selectors so that one of them matches"};
}

}  // namespace

std::vector<Problem> Generator::warnings() const {
    std::vector<Problem> found;
    for (const auto* node : warned_) {
        FunctionWarnings(*node, found).add_all();
    }
    for (const auto& name : contested_) {
        const Pod& pod = *objects_.pod(name);
        found.push_back(contested(pod, labels_.owners(pod)));
    }
    std::ranges::sort(found, {}, [](const Problem& problem) {
        return std::tie(problem.where, problem.object, problem.message);
    });
    return found;
}

}  // namespace directfaas::model
