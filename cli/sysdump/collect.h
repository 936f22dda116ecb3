// SPDX-License-Identifier: Apache-2.0
// What a dump of one host holds. What cannot be had becomes a file that says why.
#pragma once

#include <string>
#include <vector>

#include "cli/session.h"
#include "cli/sysdump/archive.h"

namespace directfaas::cli {

/// The agent's answers to every question, as JSON and, where that is easier to read, as text.
/// `status` gets that answer, or null.
std::vector<DumpFile> agent_files(Session& session, Json& status);
/// Its command line and settings, what is pinned, kernel, interfaces, mounts. `pid`: the agent's,
/// 0 if there is none.
std::vector<DumpFile> host_files(std::uint64_t pid);
/// What is served at `address` ("127.0.0.1:9467") under /metrics, or why it cannot be had.
std::string read_metrics(const std::string& address);

/// All of the above.
std::vector<DumpFile> collect(Session& session);
/// Writes `files` with a list of contents to `file`, or to one named by `source` and time, prints
/// that list, and returns the exit status.
int write_dump(const std::string& file, const std::string& source, std::vector<DumpFile> files,
               Session& session);
/// Prints them as one object on a line: {source, files: [{path, what, text}]}.
int print_dump(const std::string& source, const std::vector<DumpFile>& files, Session& session);

/// `text` with the values left out that may be secret: of keys such as `token` or `password`, and
/// what stands before `@` in URLs.
std::string without_secrets(const std::string& text);
/// `text`, cut if it is too long for one file.
std::string limited(std::string text);

}  // namespace directfaas::cli
