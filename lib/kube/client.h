// SPDX-License-Identifier: Apache-2.0
// Single requests: what is read or written once, not watched. Bodies and answers are JSON texts.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "lib/kube/api_error.h"
#include "lib/kube/http_transport.h"
#include "lib/kube/lister.h"
#include "lib/kube/resource.h"

namespace directfaas::kube {

/// One thread at a time, but for abort(). Nothing is tried again here: whoever asks knows whether
/// that makes sense, and ApiError says when.
class Client {
   public:
    /// `patience`: so long without a byte from the server is a failure.
    explicit Client(std::unique_ptr<HttpTransport> transport,
                    std::chrono::seconds patience = std::chrono::seconds{30});

    Answer<std::string> get(const std::string& path);
    /// The newest state of all objects of a resource.
    Answer<Listed> list(const Resource& resource);
    Answer<std::string> create(const std::string& path, const std::string& body);
    /// The body's metadata.resourceVersion makes it fail with a conflict if somebody else was
    /// faster; without one the last writer wins.
    Answer<std::string> replace(const std::string& path, const std::string& body);
    /// JSON merge patch; resourceVersion as in replace().
    Answer<std::string> merge(const std::string& path, const std::string& body);
    /// Server-side apply: the body states all fields that `manager` owns, and takes them from
    /// whoever owns them now. Creates the object if it is not there.
    Answer<std::string> apply(const std::string& path, const std::string& manager,
                              const std::string& body);

    /// Success also if it was not there.
    Answer<std::string> remove(const std::string& path);

    void abort() { transport_->abort(); }

   private:
    Answer<std::string> ask(HttpRequest request);

    std::unique_ptr<HttpTransport> transport_;
    std::chrono::seconds patience_;
};

/// Path of one object, or of a part of it: "status", "scale".
std::string object_path(const Resource& resource, const std::string& name,
                        const std::string& part = "");

/// A time as MicroTime wants it: "2026-11-24T09:00:00.000000Z".
std::string micro_time(std::chrono::system_clock::time_point time);

}  // namespace directfaas::kube
