// SPDX-License-Identifier: Apache-2.0
#include "test/unit/kube/tls_server.h"

#include <gtest/gtest.h>
#include <httplib.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>

namespace directfaas::kube {
namespace {

template <typename Write>
std::string pem_text(Write write) {
    std::unique_ptr<BIO, decltype([](BIO* bio) { BIO_free(bio); })> bio(BIO_new(BIO_s_mem()));
    EXPECT_EQ(write(bio.get()), 1);
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

void add_extension(X509* certificate, int kind, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
    ASSERT_NE(extension, nullptr);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

}  // namespace

Certified certify(const std::string& name, const Certified* issuer, const std::string& address) {
    static std::atomic<long> serial = 1;
    Certified made;
    made.key.reset(EVP_EC_gen("P-256"));
    made.certificate.reset(X509_new());
    X509* certificate = made.certificate.get();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, made.key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate,
                         X509_get_subject_name(issuer ? issuer->certificate.get() : certificate));
    if (issuer == nullptr) {
        add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    } else {
        add_extension(certificate, NID_subject_alt_name, "IP:" + address);
    }
    X509_sign(certificate, issuer ? issuer->key.get() : made.key.get(), EVP_sha256());
    made.pem = pem_text([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
    made.key_pem = pem_text([&](BIO* bio) {
        return PEM_write_bio_PrivateKey(bio, made.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    return made;
}

TlsServer::TlsServer(const Certified& own, const Certified* client_authority, Handler handler,
                     const std::string& address, int port) {
    X509_STORE* authorities = nullptr;
    if (client_authority != nullptr) {
        authorities = X509_STORE_new();
        X509_STORE_add_cert(authorities, client_authority->certificate.get());
    }
    server_ =
        std::make_unique<httplib::SSLServer>(own.certificate.get(), own.key.get(), authorities);
    server_->Get(".*", std::move(handler));
    server_->set_keep_alive_timeout(1);
    if (port == 0) {
        port_ = server_->bind_to_any_port(address.c_str());
    } else {
        EXPECT_TRUE(server_->bind_to_port(address.c_str(), port));
        port_ = port;
    }
    EXPECT_GT(port_, 0);
    thread_ = std::thread([this] { server_->listen_after_bind(); });
    while (!server_->is_running()) {
        std::this_thread::yield();
    }
}

TlsServer::~TlsServer() {
    server_->stop();
    thread_.join();
}

}  // namespace directfaas::kube
