// SPDX-License-Identifier: Apache-2.0
// Files of a dump, and the .tar.gz that holds them.
#pragma once

#include <string>
#include <vector>

#include "lib/util/result.h"

namespace directfaas::cli {

struct DumpFile {
    std::string path;  // inside the archive
    std::string what;  // one line for the list of contents
    std::string text;
};

/// Longest text of one file; what is longer is cut, and says so in its last line.
inline constexpr std::size_t kDumpFileLimit = std::size_t{32} << 20U;

/// The list of contents, and what is left out on purpose.
std::string contents_of(const std::vector<DumpFile>& files);

/// Writes `files`, below a folder called `top`, as a new file that only its owner may read. Fails
/// if `path` exists or cannot be written; nothing is left then.
util::Result<void> write_archive(const std::string& path, const std::string& top,
                                 const std::vector<DumpFile>& files);

}  // namespace directfaas::cli
