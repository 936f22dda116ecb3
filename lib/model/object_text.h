// SPDX-License-Identifier: Apache-2.0
// What all kinds of objects have in common, and how messages name them.
#pragma once

#include <string>

#include "lib/model/objects.h"

namespace directfaas::model {

[[nodiscard]] const ObjectName& name_of(const Object& object);
[[nodiscard]] const SourceLine& where_of(const Object& object);

/// "FunctionChain shop/bookinfo", "Pod shop/reviews-1" ...
[[nodiscard]] std::string describe(const FunctionChain& chain);
[[nodiscard]] std::string describe(const Service& service);
[[nodiscard]] std::string describe(const EndpointSlice& slice);
[[nodiscard]] std::string describe(const Pod& pod);
[[nodiscard]] std::string describe(const NetworkPolicy& policy);
[[nodiscard]] std::string describe(const Object& object);

/// "function shop/reviews", "entry shop/gateway": inside a sentence.
struct Identity;
[[nodiscard]] std::string phrase(const Identity& identity);

}  // namespace directfaas::model
