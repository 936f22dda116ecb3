// SPDX-License-Identifier: Apache-2.0
// How the model's values read in messages.
#include <fmt/format.h>

#include "lib/model/rules.h"

namespace directfaas::model {

std::string SourceLine::text() const { return line > 0 ? fmt::format("{}:{}", file, line) : file; }

std::string Problem::text() const {
    return fmt::format("{}: {}: {}{}{}.{}", where.text(),
                       severity == Severity::kError ? "error" : "warning", object,
                       object.empty() ? "" : ": ", message, advice.empty() ? "" : " " + advice);
}

std::string Identity::text() const {
    switch (kind) {
        case IdentityKind::kOutside:
            return "outside";
        case IdentityKind::kFunction:
            return name.text();
        case IdentityKind::kEntry:
            return name.text() + " (entry)";
    }
    return {};
}

std::string RouteKey::text() const {
    return fmt::format("{}/{}", util::endpoint_text(vip, port), util::protocol_name(protocol));
}

}  // namespace directfaas::model
