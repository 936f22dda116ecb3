// SPDX-License-Identifier: Apache-2.0
// Files replaced in one step, so that a crash leaves the old or the new one and never half of one.
#pragma once

#include <optional>
#include <string>

#include "lib/util/result.h"

namespace directfaas::cni_install {

/// Names of drafts start with this: a leading dot and no ending that a runtime looks for.
inline constexpr const char* kDraftPrefix = ".directfaas-cni.";

/// Nothing if it cannot be read.
std::optional<std::string> read_file(const std::string& path);

/// Puts `text` in place of a file that still reads `before`; its mode and owner stay. False, and
/// the file is as it was, if somebody else has changed it meanwhile.
util::Result<bool> exchange_file(const std::string& path, const std::string& before,
                                 const std::string& text);
/// Puts a file in place, whether there is one or not.
util::Result<void> write_file(const std::string& path, const std::string& text, unsigned mode);
/// What a killed process left in this directory.
void remove_drafts(const std::string& dir);

}  // namespace directfaas::cni_install
