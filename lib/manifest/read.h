// SPDX-License-Identifier: Apache-2.0
// Text → tree. Three readers with one result: JSON and plain YAML for speed, yaml-cpp for all the
// rest and for every error message (docs/decisions has the measurement).
#pragma once

#include <optional>
#include <string_view>

#include "lib/manifest/value.h"

namespace directfaas::manifest {

struct Read {
    Tree tree;  // with an error: the documents before it
    std::optional<SyntaxError> error;
};

/// Reads all documents. The result points into `text`.
Read read(std::string_view text);

/// The readers behind read(), apart for tests. Each throws SyntaxError.
void read_json(std::string_view text, Tree& tree);
void read_yaml(std::string_view text, Tree& tree);
/// Reads YAML as manifests are usually written. False: the text is unusual or wrong, and the tree
/// must be thrown away; only read_yaml() can tell.
bool read_plain_yaml(std::string_view text, Tree& tree);

/// Throws SyntaxError if the text is not UTF-8 or has control characters.
void check_text(std::string_view text);

}  // namespace directfaas::manifest
