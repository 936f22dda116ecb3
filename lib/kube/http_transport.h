// SPDX-License-Identifier: Apache-2.0
// What the rest of this folder needs of HTTP. The only file that would have to stay the same if the
// library behind it were another one.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/util/result.h"

namespace directfaas::kube {

inline constexpr int kHttpOk = 200;  // RFC 9110, 15.3.1

struct HttpRequest {
    std::string method = "GET";
    std::string path;  // with the query, percent-encoded; begins with '/'
    std::string content_type{};
    std::string body{};
    std::chrono::seconds idle_timeout{30};  // without a byte from the server
};

struct HttpResponse {
    int status = 0;
    std::optional<std::chrono::seconds> retry_after;
    std::string body;  // of a streamed 200 answer: empty
};

/// One request at a time; abort() alone may be called meanwhile, from another thread. A failure
/// means that there is no (whole) answer; an answer with a bad status is a value.
class HttpTransport {
   public:
    /// Called with no bytes when the server has accepted the request. False ends it.
    using Receive = std::function<bool(std::string_view bytes)>;

    HttpTransport() = default;
    HttpTransport(const HttpTransport&) = delete;
    HttpTransport& operator=(const HttpTransport&) = delete;
    virtual ~HttpTransport() = default;

    virtual util::Result<HttpResponse> send(const HttpRequest& request) = 0;
    /// As send(), but gives the body of a 200 answer to `receive` as it comes. Succeeds when the
    /// server ended the answer properly or `receive` did; a connection that breaks is a failure.
    virtual util::Result<HttpResponse> stream(const HttpRequest& request,
                                              const Receive& receive) = 0;
    /// Ends the request under way and refuses later ones.
    virtual void abort() = 0;
};

/// Each watch has a transport of its own, for a watch never ends by itself.
using MakeTransport = std::function<std::unique_ptr<HttpTransport>()>;

}  // namespace directfaas::kube
