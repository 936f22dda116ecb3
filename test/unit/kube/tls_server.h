// SPDX-License-Identifier: Apache-2.0
// Certificates made on the spot and an HTTPS server that has one.
#pragma once

#include <openssl/x509.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "lib/kube/cluster_access.h"

namespace httplib {
class SSLServer;
struct Request;
struct Response;
}  // namespace httplib

namespace directfaas::kube {

struct Free {
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

/// A certificate and its key; `pem` and `key_pem` are their texts.
struct Certified {
    std::unique_ptr<X509, Free> certificate;
    std::unique_ptr<EVP_PKEY, Free> key;
    std::string pem;
    std::string key_pem;
};

/// Signed by `issuer`, or by itself as an authority if there is none. `address`: subject
/// alternative name.
Certified certify(const std::string& name, const Certified* issuer,
                  const std::string& address = "127.0.0.1");

class TlsServer {
   public:
    using Handler = std::function<void(const httplib::Request&, httplib::Response&)>;

    /// With `client_authority` it wants a client's certificate. GET of any path calls `handler`.
    /// Port 0: any.
    TlsServer(const Certified& own, const Certified* client_authority, Handler handler,
              const std::string& address = "127.0.0.1", int port = 0);
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;
    ~TlsServer();

    [[nodiscard]] int port() const { return port_; }

   private:
    std::unique_ptr<httplib::SSLServer> server_;
    int port_ = 0;
    std::thread thread_;
};

}  // namespace directfaas::kube
