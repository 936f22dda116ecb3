// SPDX-License-Identifier: Apache-2.0
// Which functions a variable of a function's environment names: callees are usually given so.
#include "cli/import/stack.h"

namespace directfaas::cli {
namespace {

constexpr std::string_view kOfNames = "abcdefghijklmnopqrstuvwxyz0123456789-.";
constexpr std::string_view kByGateway = "/function/";
constexpr std::string_view kHost = "//";

/// "name.namespace.svc..." in its parts.
NamedByUrl split(std::string_view text, bool by_gateway) {
    const auto dot = text.find('.');
    NamedByUrl named{std::string(text.substr(0, dot)), "", by_gateway};
    if (dot != std::string_view::npos) {
        const auto rest = text.substr(dot + 1);
        named.name_space = rest.substr(0, rest.find('.'));
    }
    return named;
}

}  // namespace

std::vector<NamedByUrl> functions_in_url(std::string_view text) {
    std::vector<NamedByUrl> found;
    for (const auto& [mark, by_gateway] : {std::pair(kByGateway, true), std::pair(kHost, false)}) {
        for (auto at = text.find(mark); at != std::string_view::npos;
             at = text.find(mark, at + mark.size())) {
            const auto rest = text.substr(at + mark.size());
            const auto name = rest.substr(0, rest.find_first_not_of(kOfNames));
            if (!name.empty()) {
                found.push_back(split(name, by_gateway));
            }
        }
    }
    return found;
}

}  // namespace directfaas::cli
