// SPDX-License-Identifier: Apache-2.0
#include "test/unit/controller/trust.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

namespace directfaas::controller {
namespace {

struct Free {
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(X509_STORE* store) const { X509_STORE_free(store); }
    void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
    void operator()(BIO* bio) const { BIO_free(bio); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

Owned<X509> certificate_of(const std::string& pem) {
    const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    return Owned<X509>(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

}  // namespace

std::string distrust(const std::string& bundle, const std::string& certificate,
                     const std::string& host, WallTime time) {
    const Owned<X509_STORE> store(X509_STORE_new());
    for (const auto& pem : pem_blocks(bundle)) {
        const auto authority = certificate_of(pem);
        if (!authority || X509_STORE_add_cert(store.get(), authority.get()) != 1) {
            return "the bundle is not understood";
        }
    }
    const auto shown = certificate_of(certificate);
    const Owned<X509_STORE_CTX> context(X509_STORE_CTX_new());
    if (!shown || X509_STORE_CTX_init(context.get(), store.get(), shown.get(), nullptr) != 1) {
        return "the certificate is not understood";
    }
    auto* wanted = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_time(wanted, std::chrono::system_clock::to_time_t(time));
    X509_VERIFY_PARAM_set_purpose(wanted, X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM_set_flags(wanted, X509_V_FLAG_X509_STRICT);
    if (X509_verify_cert(context.get()) != 1) {
        return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
    }
    return X509_check_host(shown.get(), host.c_str(), host.size(), 0, nullptr) == 1 ||
                   X509_check_ip_asc(shown.get(), host.c_str(), 0) == 1
               ? ""
               : "it is not for " + host;
}

}  // namespace directfaas::controller
