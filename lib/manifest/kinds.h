// SPDX-License-Identifier: Apache-2.0
// One decoder for each kind of object, and what they share.
#pragma once

#include <optional>

#include "lib/manifest/fields.h"
#include "lib/manifest/report.h"
#include "lib/model/objects.h"

namespace directfaas::manifest {

/// Nothing: the object is wrong (reported) or does not concern DirectFaaS. `root` is a map.
using ObjectDecoder = std::optional<model::Object> (*)(const Node& root, Report& report);

std::optional<model::Object> decode_function_chain(const Node& root, Report& report);
std::optional<model::Object> decode_service(const Node& root, Report& report);
std::optional<model::Object> decode_endpoint_slice(const Node& root, Report& report);
std::optional<model::Object> decode_pod(const Node& root, Report& report);
std::optional<model::Object> decode_network_policy(const Node& root, Report& report);

/// metadata.namespace ("default" if absent) and metadata.name, checked; the name is empty if it
/// is missing or wrong, which has been reported.
model::ObjectName decode_name(const Node& root, Report& report);

struct DecodedPort {
    model::ServicePort port;
    int line = 0;
};
/// name, port and protocol of an entry of a `ports` list; nothing if it is wrong or not supported.
std::optional<DecodedPort> decode_port(const Node& item, Report& report);

}  // namespace directfaas::manifest
