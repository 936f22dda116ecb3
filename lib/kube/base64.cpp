// SPDX-License-Identifier: Apache-2.0
#include "lib/kube/base64.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstddef>

namespace directfaas::kube {

std::string to_base64(const std::string& bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const auto size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                      reinterpret_cast<const unsigned char*>(bytes.data()),
                                      static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

std::optional<std::string> from_base64(std::string text) {
    std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
    std::string bytes(text.size() / 4 * 3, '\0');
    const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
    const auto padding = std::min<std::ptrdiff_t>(std::ranges::count(text, '='), 2);
    if (size < 0 || text.size() % 4 != 0 || size < padding) {
        return std::nullopt;
    }
    bytes.resize(static_cast<std::size_t>(size - padding));
    return bytes;
}

}  // namespace directfaas::kube
