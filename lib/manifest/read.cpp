// SPDX-License-Identifier: Apache-2.0
#include "lib/manifest/read.h"

#include <utility>

namespace directfaas::manifest {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// The first document decides; a stream of JSON documents may begin with a marker.
bool looks_like_json(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    auto start = text.find_first_not_of(kSpace);
    if (start != std::string_view::npos && text.substr(start).starts_with("---")) {
        start = text.find_first_not_of(kSpace, start + 3);
    }
    return start != std::string_view::npos && (text[start] == '{' || text[start] == '[');
}

using Reader = void (*)(std::string_view, Tree&);

Read read_with(Reader reader, std::string_view text) {
    Read result;
    try {
        reader(text, result.tree);
    } catch (const SyntaxError& error) {
        result.error = error;
    }
    return result;
}

}  // namespace

Read read(std::string_view text) {
    if (text.starts_with(kByteOrderMark)) {
        text.remove_prefix(kByteOrderMark.size());
    }
    if (auto checked = read_with([](std::string_view t, Tree&) { check_text(t); }, text);
        checked.error) {
        return checked;
    }
    if (looks_like_json(text)) {
        auto json = read_with(read_json, text);
        if (!json.error) {
            return json;
        }
        // YAML may begin with a bracket, too. If both fail, who got further knows better.
        auto yaml = read_with(read_yaml, text);
        return yaml.error && yaml.error->line <= json.error->line ? std::move(json)
                                                                  : std::move(yaml);
    }
    if (Read plain; read_plain_yaml(text, plain.tree)) {
        return plain;
    }
    return read_with(read_yaml, text);
}

}  // namespace directfaas::manifest
