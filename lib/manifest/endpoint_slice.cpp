// SPDX-License-Identifier: Apache-2.0
// EndpointSlice (discovery.k8s.io/v1): the instances behind a Service, with the ports that they
// listen on. Limits are those of the Kubernetes API.
#include <fmt/format.h>

#include "lib/manifest/kinds.h"

namespace directfaas::manifest {
namespace {

constexpr std::string_view kServiceLabel = "kubernetes.io/service-name";
constexpr std::size_t kMaxEndpoints = 1000;
constexpr std::size_t kMaxPorts = 100;
constexpr std::size_t kMaxAddresses = 100;

enum class Family : std::uint8_t { kV4, kV6, kName };
constexpr std::array<Choice<Family>, 3> kFamilies{
    {{"IPv4", Family::kV4}, {"IPv6", Family::kV6}, {"FQDN", Family::kName}}};

std::string service_of(const Node& root, Report& report) {
    const Node* metadata = root.find("metadata");
    const Node* labels = metadata == nullptr ? nullptr : map_member(*metadata, "labels", report);
    const auto service =
        labels == nullptr ? std::nullopt : text_member(*labels, kServiceLabel, report);
    return std::string(service.value_or(""));
}

void decode_conditions(const Node& item, model::SliceEndpoint& endpoint, Report& report) {
    const Node* conditions = map_member(item, "conditions", report);
    if (conditions == nullptr) {
        return;
    }
    endpoint.ready = bool_member(*conditions, "ready", report).value_or(true);
    endpoint.serving = bool_member(*conditions, "serving", report).value_or(endpoint.ready);
    endpoint.terminating = bool_member(*conditions, "terminating", report).value_or(false);
}

/// The API says that the addresses of one endpoint are interchangeable and clients take the first.
void decode_endpoint(const Node& item, Family family, model::EndpointSlice& slice, Report& report) {
    if (item.kind != NodeKind::kMap) {
        wrong_type(item, "a map", report);
        return;
    }
    model::SliceEndpoint endpoint;
    decode_conditions(item, endpoint, report);
    const Node* addresses = list_member(item, "addresses", kMaxAddresses, report);
    if (addresses == nullptr || addresses->size == 0) {
        if (item.find("addresses") == addresses) {
            missing(item, "addresses", "List the address of the instance", report);
        }
        return;
    }
    const auto address = as_address(*addresses->first, report);
    if (!address) {
        return;
    }
    if (address->is_v4() != (family == Family::kV4)) {
        report.error(addresses->first->line,
                     fmt::format("{} is {}, which is not {}", report.path(*addresses->first),
                                 address->text(), family == Family::kV4 ? "IPv4" : "IPv6"),
                     "Put each address family into an EndpointSlice of its own");
        return;
    }
    endpoint.address = *address;
    slice.endpoints.push_back(endpoint);
}

void decode_ports(const Node& root, model::EndpointSlice& slice, Report& report) {
    const Node* list = list_member(root, "ports", kMaxPorts, report);
    for (const Node* item = list == nullptr ? nullptr : list->first; item != nullptr;
         item = item->next) {
        if (item->kind == NodeKind::kMap && item->find("port") == nullptr) {
            report.warning(
                item->line,
                fmt::format("{} is missing; the entry is ignored", report.path(*item, "port")),
                "Write the port that the instances listen on");
        } else if (auto decoded = decode_port(*item, report)) {
            slice.ports.push_back(std::move(decoded->port));
        }
    }
}

std::optional<Family> family_of(const Node& root, Report& report) {
    const Node* type = root.find("addressType");
    if (type == nullptr) {
        missing(root, "addressType", "Write IPv4 or IPv6", report);
        return std::nullopt;
    }
    const auto family = as_choice(*type, kFamilies, report);
    if (family == Family::kName) {
        report.warning(type->where(), "addressType is FQDN; the EndpointSlice is ignored",
                       "DirectFaaS needs addresses: use IPv4 or IPv6");
    }
    return family;
}

}  // namespace

std::optional<model::Object> decode_endpoint_slice(const Node& root, Report& report) {
    const auto before = report.errors();
    model::EndpointSlice slice;
    slice.where = report.at(root.line);
    slice.name = decode_name(root, report);
    const auto family = family_of(root, report);
    if (!family || family == Family::kName) {
        return std::nullopt;
    }
    slice.service = service_of(root, report);
    decode_ports(root, slice, report);
    const Node* list = list_member(root, "endpoints", kMaxEndpoints, report);
    for (const Node* item = list == nullptr ? nullptr : list->first; item != nullptr;
         item = item->next) {
        decode_endpoint(*item, *family, slice, report);
    }
    if (report.errors() > before) {
        return std::nullopt;
    }
    if (slice.service.empty()) {
        report.warning(
            root.where(),
            fmt::format("label {} is missing; the EndpointSlice is ignored", kServiceLabel),
            "Label it with the name of its Service");
        return std::nullopt;
    }
    return slice;
}

}  // namespace directfaas::manifest
