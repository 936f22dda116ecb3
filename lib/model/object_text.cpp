// SPDX-License-Identifier: Apache-2.0
#include "lib/model/object_text.h"

#include "lib/model/rules.h"

namespace directfaas::model {

const ObjectName& name_of(const Object& object) {
    return std::visit([](const auto& o) -> const ObjectName& { return o.name; }, object);
}

const SourceLine& where_of(const Object& object) {
    return std::visit([](const auto& o) -> const SourceLine& { return o.where; }, object);
}

std::string describe(const FunctionChain& chain) { return "FunctionChain " + chain.name.text(); }
std::string describe(const Service& service) { return "Service " + service.name.text(); }
std::string describe(const EndpointSlice& slice) { return "EndpointSlice " + slice.name.text(); }
std::string describe(const Pod& pod) { return "Pod " + pod.name.text(); }

std::string describe(const NetworkPolicy& policy) { return "NetworkPolicy " + policy.name.text(); }

std::string describe(const Object& object) {
    return std::visit([](const auto& o) { return describe(o); }, object);
}

std::string phrase(const Identity& identity) {
    switch (identity.kind) {
        case IdentityKind::kOutside:
            return "a pod outside all chains";
        case IdentityKind::kFunction:
            return "function " + identity.name.text();
        case IdentityKind::kEntry:
            return "entry " + identity.name.text();
    }
    return {};
}

}  // namespace directfaas::model
