// SPDX-License-Identifier: Apache-2.0
// The bearer token, which the kubelet replaces every hour: read again each minute.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "lib/kube/cluster_access.h"
#include "lib/util/result.h"

namespace directfaas::kube {

/// Shared by all transports of one identity; thread-safe.
class TokenSource {
   public:
    explicit TokenSource(const ClusterAccess& access,
                         std::chrono::steady_clock::duration keep = std::chrono::minutes{1})
        : keep_(keep), token_(access.token), file_(access.token_file) {}

    /// Without blanks around it; empty if there is none. A file that cannot be read leaves the
    /// last token in use; it is a failure only if there was none.
    util::Result<std::string> token();
    /// The server refused `token`: the next call reads the file, whatever its age.
    void refused(const std::string& token);

   private:
    const std::chrono::steady_clock::duration keep_;
    std::mutex mutex_;
    std::string token_;
    const std::string file_;
    std::chrono::steady_clock::time_point read_at_;
    bool fresh_ = false;
};

}  // namespace directfaas::kube
