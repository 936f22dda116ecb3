// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648, 4), as in kubeconfigs and Secrets.
#pragma once

#include <optional>
#include <string>

namespace directfaas::kube {

std::string to_base64(const std::string& bytes);
/// Spaces and line breaks are skipped. Nothing if it is not base64.
std::optional<std::string> from_base64(std::string text);

}  // namespace directfaas::kube
