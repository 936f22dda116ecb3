// SPDX-License-Identifier: Apache-2.0
// The certificate that a server shows. It may be exchanged while the server runs: connections that
// are open keep the old one.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <string>

#include "lib/util/result.h"

namespace directfaas::http {

/// Thread-safe.
class Identity {
   public:
    Identity() = default;
    Identity(const Identity&) = delete;
    Identity& operator=(const Identity&) = delete;

    /// Both as PEM. Fails, and the earlier one stays, if they are not understood or do not belong
    /// together.
    util::Result<void> set(const std::string& certificate, const std::string& key);

    /// Makes `context` show what set() was given last. Until something was given, handshakes fail.
    /// Must outlive `context`.
    void join(SSL_CTX& context);

   private:
    struct Free {
        void operator()(X509* certificate) const { X509_free(certificate); }
        void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    };

    bool show(SSL* connection);

    std::mutex mutex_;
    std::unique_ptr<X509, Free> certificate_;
    std::unique_ptr<EVP_PKEY, Free> key_;
};

}  // namespace directfaas::http
