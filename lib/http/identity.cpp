// SPDX-License-Identifier: Apache-2.0
#include "lib/http/identity.h"

#include <openssl/pem.h>

#include <utility>

namespace directfaas::http {
namespace {

using Bio = std::unique_ptr<BIO, decltype([](BIO* bio) { BIO_free(bio); })>;

Bio reader(const std::string& text) {
    return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace

util::Result<void> Identity::set(const std::string& certificate, const std::string& key) {
    std::unique_ptr<X509, Free> shown(
        PEM_read_bio_X509(reader(certificate).get(), nullptr, nullptr, nullptr));
    std::unique_ptr<EVP_PKEY, Free> secret(
        PEM_read_bio_PrivateKey(reader(key).get(), nullptr, nullptr, nullptr));
    if (!shown || !secret || X509_check_private_key(shown.get(), secret.get()) != 1) {
        return util::fail("the server's certificate and key are no pair in PEM");
    }
    const std::scoped_lock lock(mutex_);
    certificate_ = std::move(shown);
    key_ = std::move(secret);
    return {};
}

void Identity::join(SSL_CTX& context) {
    SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION);
    SSL_CTX_set_cert_cb(
        &context,
        [](SSL* connection, void* self) {
            return static_cast<Identity*>(self)->show(connection) ? 1 : 0;
        },
        this);
}

bool Identity::show(SSL* connection) {
    const std::scoped_lock lock(mutex_);
    return certificate_ && SSL_use_certificate(connection, certificate_.get()) == 1 &&
           SSL_use_PrivateKey(connection, key_.get()) == 1;
}

}  // namespace directfaas::http
