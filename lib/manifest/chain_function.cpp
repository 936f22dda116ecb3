// SPDX-License-Identifier: Apache-2.0
#include "lib/manifest/chain_function.h"

#include <fmt/format.h>

namespace directfaas::manifest {
namespace {

constexpr std::size_t kMaxFrom = 64;
constexpr std::size_t kMaxOpenPorts = 64;

constexpr auto kFields =
    std::to_array<std::string_view>({"name", "serviceRef", "exposure", "allowSelf", "openPorts",
                                     "scaleFromZero", "split", "limits"});
constexpr auto kServiceRefFields = std::to_array<std::string_view>({"name", "port"});
constexpr auto kExposureFields = std::to_array<std::string_view>({"type", "from"});
constexpr auto kFromFields = std::to_array<std::string_view>({"namespace", "name"});
constexpr auto kOpenPortFields = std::to_array<std::string_view>({"port", "protocol"});
constexpr auto kScaleFields = std::to_array<std::string_view>({"mode"});

constexpr std::array<Choice<bool>, 2> kExposures{{{"Ingress", true}, {"Internal", false}}};
constexpr std::array<Choice<util::Protocol>, 2> kProtocols{
    {{"TCP", util::Protocol::kTcp}, {"UDP", util::Protocol::kUdp}}};
constexpr std::array<Choice<model::ScaleFromZero>, 3> kScaleModes{
    {{"Direct", model::ScaleFromZero::kDirect},
     {"Metrics", model::ScaleFromZero::kMetrics},
     {"Disabled", model::ScaleFromZero::kDisabled}}};

void decode_service_ref(const Node& item, model::ChainFunction& function, Report& report) {
    function.service = function.name;
    const Node* ref = map_member(item, "serviceRef", report);
    if (ref == nullptr) {
        return;
    }
    refuse_unknown(*ref, kServiceRefFields, report);
    if (const Node* name = ref->find("name"); name != nullptr) {
        function.service = as_dns_label(*name, report).value_or("");
    }
    const Node* port = ref->find("port");
    if (port == nullptr) {
        return;
    }
    if (port->kind == NodeKind::kScalar && scalar_type(*port) == ScalarType::kNumber) {
        report.error(port->where(),
                     fmt::format("{} is a number; it must be the name of a port of the Service",
                                 report.path(*port)),
                     "Name the port in the Service and use that name");
    } else if (const auto name = as_dns_label(*port, report)) {
        function.service_port = *name;
    }
}

void decode_from(const Node& exposure, model::ChainFunction& function, Report& report) {
    const Node* list = list_member(exposure, "from", kMaxFrom, report);
    for (const Node* item = list == nullptr ? nullptr : list->first; item != nullptr;
         item = item->next) {
        if (!expect_map(*item, report)) {
            continue;
        }
        refuse_unknown(*item, kFromFields, report);
        model::ObjectName caller{.ns = required_label(*item, "namespace", report),
                                 .name = required_label(*item, "name", report)};
        if (!function.ingress_from.insert(caller).second) {
            report.error(
                item->line,
                fmt::format("{} names {} a second time", report.path(*item), caller.text()),
                "Remove one");
        }
    }
}

/// Two forms: the type alone, or a map with the type and the callers of other namespaces.
void decode_exposure(const Node& item, model::ChainFunction& function, Report& report) {
    const Node* exposure = item.find("exposure");
    if (exposure == nullptr) {
        return;
    }
    if (exposure->kind == NodeKind::kScalar) {
        function.ingress = as_choice(*exposure, kExposures, report).value_or(false);
        return;
    }
    if (exposure->kind != NodeKind::kMap) {
        wrong_type(*exposure, "Ingress, Internal or a map with type and from", report);
        return;
    }
    refuse_unknown(*exposure, kExposureFields, report);
    if (const Node* type = exposure->find("type"); type != nullptr) {
        function.ingress = as_choice(*type, kExposures, report).value_or(false);
    }
    decode_from(*exposure, function, report);
}

/// Two forms: the number of a TCP port, or a map with port and protocol.
std::optional<model::PortProtocol> decode_open_port(const Node& item, Report& report) {
    model::PortProtocol open;
    if (item.kind != NodeKind::kMap) {
        const auto port = as_port(item, report);
        open.port = port.value_or(0);
        return port ? std::optional(open) : std::nullopt;
    }
    refuse_unknown(item, kOpenPortFields, report);
    const auto port = port_member(item, "port", report);
    if (const Node* protocol = item.find("protocol"); protocol != nullptr) {
        const auto known = as_choice(*protocol, kProtocols, report);
        if (!known) {
            return std::nullopt;
        }
        open.protocol = *known;
    }
    open.port = port.value_or(0);
    return port ? std::optional(open) : std::nullopt;
}

void decode_open_ports(const Node& item, model::ChainFunction& function, Report& report) {
    const Node* list = list_member(item, "openPorts", kMaxOpenPorts, report);
    for (const Node* entry = list == nullptr ? nullptr : list->first; entry != nullptr;
         entry = entry->next) {
        const auto open = decode_open_port(*entry, report);
        if (open && !function.open_ports.insert(*open).second) {
            report.error(entry->line,
                         fmt::format("{} is port {}/{} a second time", report.path(*entry),
                                     open->port, util::protocol_name(open->protocol)),
                         "Remove one");
        }
    }
}

/// Two forms: the mode alone, or a map with the mode.
void decode_scale_from_zero(const Node& item, model::ChainFunction& function, Report& report) {
    const Node* scale = item.find("scaleFromZero");
    if (scale == nullptr) {
        return;
    }
    const Node* mode = scale;
    if (scale->kind == NodeKind::kMap) {
        refuse_unknown(*scale, kScaleFields, report);
        mode = scale->find("mode");
        if (mode == nullptr) {
            missing(*scale, "mode", "Write Direct, Metrics or Disabled", report);
            return;
        }
    }
    function.scale_from_zero =
        as_choice(*mode, kScaleModes, report).value_or(model::ScaleFromZero::kDisabled);
}

}  // namespace

std::span<const std::string_view> chain_function_fields() { return kFields; }

void refuse_to_come(const Node& map, std::string_view key, std::string_view advice,
                    Report& report) {
    for (const Node* member = map.first; member != nullptr; member = member->next) {
        if (member->key == key) {
            report.error(member->where(),
                         fmt::format("{} is not supported yet", report.path(*member)),
                         std::string(advice));
        }
    }
}

bool expect_map(const Node& node, Report& report) {
    if (node.kind == NodeKind::kMap) {
        return true;
    }
    wrong_type(node, "a map", report);
    return false;
}

model::ChainFunction decode_chain_function(const Node& item, Report& report) {
    model::ChainFunction function;
    function.where = report.at(item.line);
    if (!expect_map(item, report)) {
        return function;
    }
    refuse_unknown(item, kFields, report);
    refuse_to_come(item, "split", "Remove it; instances are chosen evenly", report);
    refuse_to_come(item, "limits", "Remove it; there is no limit per function", report);
    function.name = required_label(item, "name", report);
    decode_service_ref(item, function, report);
    decode_exposure(item, function, report);
    function.allow_self = bool_member(item, "allowSelf", report).value_or(false);
    decode_open_ports(item, function, report);
    decode_scale_from_zero(item, function, report);
    return function;
}

}  // namespace directfaas::manifest
