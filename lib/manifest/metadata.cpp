// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lib/manifest/kinds.h"

namespace directfaas::manifest {

model::ObjectName decode_name(const Node& root, Report& report) {
    model::ObjectName name{.ns = "default", .name = ""};
    const Node* metadata = map_member(root, "metadata", report);
    if (metadata == nullptr) {
        if (root.find("metadata") == nullptr) {
            missing(root, "metadata", "Add \"metadata:\" with a name", report);
        }
        return name;
    }
    if (const Node* ns = metadata->find("namespace"); ns != nullptr) {
        name.ns = as_dns_label(*ns, report).value_or("default");
    }
    const Node* own = metadata->find("name");
    if (own == nullptr) {
        missing(*metadata, "name", "Name the object", report);
        return name;
    }
    name.name = as_dns_subdomain(*own, report).value_or("");
    return name;
}

std::optional<DecodedPort> decode_port(const Node& item, Report& report) {
    if (item.kind != NodeKind::kMap) {
        wrong_type(item, "a map", report);
        return std::nullopt;
    }
    const auto before = report.errors();
    DecodedPort result{.port = {}, .line = item.line};
    result.port.name = text_member(item, "name", report).value_or("");
    const auto protocol = text_member(item, "protocol", report).value_or("TCP");
    if (const auto known = util::parse_protocol(protocol)) {
        result.port.protocol = *known;
    } else if (protocol == "SCTP") {
        report.warning(item.line,
                       fmt::format("{} is an SCTP port and is ignored", report.path(item)),
                       "DirectFaaS carries TCP and UDP");
        return std::nullopt;
    } else if (report.errors() == before) {
        report.error(
            item.line,
            fmt::format("{} is \"{}\", allowed: TCP, UDP", report.path(item, "protocol"), protocol),
            "Write one of these");
    }
    result.port.port = port_member(item, "port", report).value_or(0);
    return report.errors() == before ? std::optional(result) : std::nullopt;
}

}  // namespace directfaas::manifest
