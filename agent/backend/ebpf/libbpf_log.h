// SPDX-License-Identifier: Apache-2.0
// libbpf talks to standard error unless told otherwise. While an object of this class lives, its
// messages are kept instead; all other times they go to the log at debug level.
#pragma once

#include <string>

namespace directfaas::backend::ebpf {

/// Not for use by two threads at once. May be nested; the inner one gets the messages.
class LibbpfLog {
   public:
    LibbpfLog();
    LibbpfLog(const LibbpfLog&) = delete;
    LibbpfLog& operator=(const LibbpfLog&) = delete;
    ~LibbpfLog();

    /// The last lines, on one line.
    [[nodiscard]] std::string tail() const;
    void add(const char* text);

   private:
    LibbpfLog* outer_;
    std::string text_;
};

/// Sends libbpf's messages here. Call once before other calls of libbpf.
void route_libbpf_messages();

}  // namespace directfaas::backend::ebpf
