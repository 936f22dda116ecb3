// SPDX-License-Identifier: Apache-2.0
#include "controller/ca/certificate.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <string_view>
#include <utility>

namespace directfaas::controller {
namespace {

using util::Result;

struct Free {
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(BIGNUM* number) const { BN_free(number); }
    void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

constexpr long kVersion3 = 2;     // RFC 5280, 4.1.2.1: counted from 0
constexpr int kSerialBits = 127;  // 4.1.2.2: at most 20 octets, positive

std::unexpected<util::Error> openssl_failed(const char* what) {
    const auto code = ERR_get_error();
    ERR_clear_error();
    const char* reason = ERR_reason_error_string(code);
    return util::fail(reason == nullptr ? std::string(what) : fmt::format("{}: {}", what, reason));
}

Owned<BIO> reader(const std::string& text) {
    return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

Owned<X509> read_certificate(const std::string& pem) {
    return Owned<X509>(PEM_read_bio_X509(reader(pem).get(), nullptr, nullptr, nullptr));
}

Owned<EVP_PKEY> read_key(const std::string& pem) {
    return Owned<EVP_PKEY>(PEM_read_bio_PrivateKey(reader(pem).get(), nullptr, nullptr, nullptr));
}

bool set_serial(X509* certificate) {
    const Owned<BIGNUM> number(BN_new());
    return number && BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
           BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_times(X509* certificate, const Validity& validity) {
    using std::chrono::system_clock;
    return ASN1_TIME_set(X509_getm_notBefore(certificate),
                         system_clock::to_time_t(validity.from)) != nullptr &&
           ASN1_TIME_set(X509_getm_notAfter(certificate),
                         system_clock::to_time_t(validity.until)) != nullptr;
}

bool set_name(X509* certificate, const std::string& name) {
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                                      0) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const Owned<X509_EXTENSION> extension(
        X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

std::string alternative_name(const std::string& name) {
    std::array<unsigned char, sizeof(in6_addr)> address{};
    const bool is_address = inet_pton(AF_INET, name.c_str(), address.data()) == 1 ||
                            inet_pton(AF_INET6, name.c_str(), address.data()) == 1;
    return (is_address ? "IP:" : "DNS:") + name;
}

Result<Certified> as_pem(X509* certificate, EVP_PKEY* key) {
    const Owned<BIO> shown(BIO_new(BIO_s_mem()));
    const Owned<BIO> secret(BIO_new(BIO_s_mem()));
    if (PEM_write_bio_X509(shown.get(), certificate) != 1 ||
        PEM_write_bio_PrivateKey(secret.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        return openssl_failed("write a certificate as PEM");
    }
    return Certified{text_of(shown.get()), text_of(secret.get())};
}

/// All of a certificate but its extensions and its signature.
Owned<X509> begin_certificate(EVP_PKEY* key, const std::string& name, const Validity& validity) {
    Owned<X509> made(X509_new());
    const bool fine = made && X509_set_version(made.get(), kVersion3) == 1 &&
                      set_serial(made.get()) && set_times(made.get(), validity) &&
                      X509_set_pubkey(made.get(), key) == 1 && set_name(made.get(), name);
    return fine ? std::move(made) : nullptr;
}

}  // namespace

Result<Certified> make_authority(const std::string& name, const Validity& validity) {
    const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
    const auto made = key ? begin_certificate(key.get(), name, validity) : nullptr;
    if (!made || X509_set_issuer_name(made.get(), X509_get_subject_name(made.get())) != 1 ||
        !add_extension(made.get(), made.get(), NID_basic_constraints,
                       "critical,CA:TRUE,pathlen:0") ||
        !add_extension(made.get(), made.get(), NID_key_usage, "critical,keyCertSign,cRLSign") ||
        !add_extension(made.get(), made.get(), NID_subject_key_identifier, "hash") ||
        X509_sign(made.get(), key.get(), EVP_sha256()) == 0) {
        return openssl_failed("make a certificate authority");
    }
    return as_pem(made.get(), key.get());
}

Result<Certified> make_server_certificate(const Certified& authority,
                                          const std::vector<std::string>& names,
                                          const Validity& validity) {
    const auto issuer = read_certificate(authority.certificate);
    const auto issuer_key = read_key(authority.key);
    if (!issuer || !issuer_key || names.empty()) {
        return util::fail("a server's certificate wants an authority and a name");
    }
    std::vector<std::string> alternatives;
    alternatives.reserve(names.size());
    for (const auto& name : names) {
        alternatives.push_back(alternative_name(name));
    }
    const auto all_names = fmt::format("{}", fmt::join(alternatives, ","));
    const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
    const auto made = key ? begin_certificate(key.get(), names.front(), validity) : nullptr;
    if (!made || X509_set_issuer_name(made.get(), X509_get_subject_name(issuer.get())) != 1 ||
        !add_extension(made.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE") ||
        !add_extension(made.get(), issuer.get(), NID_key_usage, "critical,digitalSignature") ||
        !add_extension(made.get(), issuer.get(), NID_ext_key_usage, "serverAuth") ||
        !add_extension(made.get(), issuer.get(), NID_authority_key_identifier, "keyid") ||
        !add_extension(made.get(), issuer.get(), NID_subject_alt_name, all_names) ||
        X509_sign(made.get(), issuer_key.get(), EVP_sha256()) == 0) {
        return openssl_failed(("make a certificate for " + all_names).c_str());
    }
    return as_pem(made.get(), key.get());
}

namespace {

Result<WallTime> time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) {
        return openssl_failed("read a certificate's times");
    }
    return std::chrono::system_clock::from_time_t(timegm(&parts));
}

}  // namespace

Result<Validity> validity_of_authority(const Certified& authority) {
    const auto certificate = read_certificate(authority.certificate);
    if (!certificate) {
        return openssl_failed("a certificate is not understood");
    }
    const auto key = read_key(authority.key);
    if (!key) {
        return openssl_failed("a key is not understood");
    }
    if (X509_check_private_key(certificate.get(), key.get()) != 1) {
        ERR_clear_error();
        return util::fail("a key is not that of its certificate");
    }
    if (X509_verify(certificate.get(), key.get()) != 1) {
        ERR_clear_error();
        return util::fail("a certificate is not signed by its own key");
    }
    if (X509_check_ca(certificate.get()) != 1) {
        return util::fail("a certificate is none of an authority");
    }
    const auto from = time_of(X509_get0_notBefore(certificate.get()));
    const auto until = time_of(X509_get0_notAfter(certificate.get()));
    if (!from || !until) {
        return std::unexpected(from ? until.error() : from.error());
    }
    return Validity{*from, *until};
}

std::vector<std::string> pem_blocks(const std::string& text) {
    constexpr std::string_view kBegin = "-----BEGIN ";
    constexpr std::string_view kEnd = "-----END ";
    std::vector<std::string> blocks;
    for (auto begin = text.find(kBegin); begin != std::string::npos;) {
        const auto next = text.find(kBegin, begin + kBegin.size());
        const auto end = text.find(kEnd, begin);
        const auto line = end == std::string::npos ? end : text.find('\n', end);
        const auto stop = std::min(line == std::string::npos ? text.size() : line + 1, next);
        blocks.push_back(text.substr(begin, stop - begin));
        begin = next;
    }
    return blocks;
}

}  // namespace directfaas::controller
