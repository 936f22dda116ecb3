// SPDX-License-Identifier: Apache-2.0
// Bytes that no manifest may hold are refused before any parser sees them: yaml-cpp, for one,
// takes byte 4 for the end of the text.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "lib/manifest/read.h"

namespace directfaas::manifest {
namespace {

struct Length {
    std::size_t bytes;
    std::uint32_t smallest;  // code point that needs this many bytes
    std::uint32_t bits;      // payload of the first byte
};

Length sequence_length(unsigned char lead) {
    if (lead >= 0xC2 && lead < 0xE0) {
        return {2, 0x80, lead & 0x1FU};
    }
    if (lead >= 0xE0 && lead < 0xF0) {
        return {3, 0x800, lead & 0x0FU};
    }
    if (lead >= 0xF0 && lead < 0xF5) {
        return {4, 0x10000, lead & 0x07U};
    }
    return {0, 0, 0};
}

/// Bytes of the valid sequence at `at`, 0 if there is none.
std::size_t valid_sequence(std::string_view text, std::size_t at) {
    const auto length = sequence_length(static_cast<unsigned char>(text[at]));
    if (length.bytes == 0 || text.size() - at < length.bytes) {
        return 0;
    }
    std::uint32_t point = length.bits;
    for (std::size_t i = 1; i < length.bytes; ++i) {
        const auto byte = static_cast<unsigned char>(text[at + i]);
        if ((byte & 0xC0U) != 0x80U) {
            return 0;
        }
        point = (point << 6U) | (byte & 0x3FU);
    }
    const bool surrogate = point >= 0xD800 && point < 0xE000;
    return point < length.smallest || point > 0x10FFFF || surrogate ? 0 : length.bytes;
}

int line_of(std::string_view text, std::size_t at) {
    return 1 + static_cast<int>(std::ranges::count(text.substr(0, at), '\n'));
}

bool is_control(unsigned char byte) {
    return (byte < 0x20 && byte != '\n' && byte != '\t' && byte != '\r') || byte == 0x7F;
}

}  // namespace

void check_text(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (is_control(byte)) {
            throw SyntaxError{line_of(text, at), fmt::format("control character 0x{:02x}", byte),
                              "Save the file as UTF-8 text"};
        }
        if (byte < 0x80) {
            ++at;
            continue;
        }
        const auto bytes = valid_sequence(text, at);
        if (bytes == 0) {
            throw SyntaxError{line_of(text, at), fmt::format("byte 0x{:02x} is not UTF-8", byte),
                              "Save the file as UTF-8 text"};
        }
        at += bytes;
    }
}

}  // namespace directfaas::manifest
