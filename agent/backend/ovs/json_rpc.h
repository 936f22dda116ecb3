// SPDX-License-Identifier: Apache-2.0
// JSON-RPC 1.0 over a unix socket: the protocol of ovsdb-server (RFC 7047) and of ovs-appctl.
#pragma once

#include <string>
#include <string_view>

#include "agent/backend/ovs/json.h"
#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::backend::ovs {

class JsonRpc {
   public:
    static util::Result<JsonRpc> open(const std::string& socket_path);

    /// Sends a request and waits for its result.
    util::Result<Json> call(const std::string& method, const Json& params);
    /// The two halves of call().
    util::Result<void> ask(const std::string& method, const Json& params);
    util::Result<Json> answer();

   private:
    util::Result<Json> next_message();

    util::UniqueFd socket_;
    std::string received_;
    int next_id_ = 0;
};

/// Length of the JSON object that `text` begins with; npos while it is not whole.
std::size_t object_end(std::string_view text);

}  // namespace directfaas::backend::ovs
