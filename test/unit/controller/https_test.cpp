// SPDX-License-Identifier: Apache-2.0
// The controller's server over TLS, while its certificate is exchanged.
#include <gmock/gmock.h>
#include <httplib.h>

#include <atomic>

#include "controller/ca/certificate.h"
#include "controller/options.h"
#include "lib/http/service.h"

namespace directfaas::controller {
namespace {

class HttpsTest : public testing::Test {
   protected:
    static Certified authority() {
        const auto now = std::chrono::system_clock::now();
        return *make_authority("test", {now - std::chrono::hours{1}, now + std::chrono::hours{1}});
    }
    static Certified server_of(const Certified& authority) {
        const auto now = std::chrono::system_clock::now();
        return *make_server_certificate(authority, {"localhost", "127.0.0.1"},
                                        {now - std::chrono::hours{1}, now + std::chrono::hours{1}});
    }
    void SetUp() override {
        service_.server().Get("/healthz", [](const auto&, auto& response) {
            response.set_content("ok\n", http::kText);
        });
        // Nobody else is given this port between the two.
        for (std::uint16_t port = 20000 + getpid() % 20000; port_ == 0; ++port) {
            if (service_.start("127.0.0.1", port)) {
                port_ = port;
            }
        }
    }
    /// What a client that trusts this authority is told; empty: it does not talk to the server.
    std::string ask(const Certified& trusted) const {
        httplib::SSLClient client("127.0.0.1", port_);
        BIO* bio = BIO_new_mem_buf(trusted.certificate.data(),
                                   static_cast<int>(trusted.certificate.size()));
        X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
        X509_STORE* store = X509_STORE_new();
        X509_STORE_add_cert(store, certificate);
        client.set_ca_cert_store(store);  // which owns it from now on
        X509_free(certificate);
        BIO_free(bio);
        const auto answer = client.Get("/healthz");
        return answer ? answer->body : "";
    }

    std::uint16_t port_ = 0;
    http::Identity identity_;
    http::Service service_{&identity_};
};

TEST_F(HttpsTest, TheCertificateMayBeExchanged) {
    const auto old = authority();
    const auto next = authority();
    EXPECT_EQ(ask(old), "") << "it has none yet";
    const auto first = server_of(old);
    ASSERT_TRUE(identity_.set(first.certificate, first.key));
    EXPECT_EQ(ask(old), "ok\n");
    EXPECT_EQ(ask(next), "");
    const auto second = server_of(next);
    EXPECT_FALSE(identity_.set(second.certificate, first.key)) << "no pair";
    EXPECT_FALSE(identity_.set("garbage", first.key));
    EXPECT_EQ(ask(old), "ok\n") << "the earlier one stays";
    ASSERT_TRUE(identity_.set(second.certificate, second.key));
    EXPECT_EQ(ask(next), "ok\n");
    EXPECT_EQ(ask(old), "");
}

TEST_F(HttpsTest, WhoDoesNotSpeakTlsGetsNothing) {
    const auto any = server_of(authority());
    ASSERT_TRUE(identity_.set(any.certificate, any.key));
    httplib::Client plain("127.0.0.1", port_);
    EXPECT_FALSE(plain.Get("/healthz"));
}

TEST(ControllerOptions, TlsIsAskedFor) {
    const auto none = parse_options({});
    ASSERT_TRUE(none);
    EXPECT_EQ(none->https_port, 0);
    const auto both =
        parse_options({"--http-listen", "127.0.0.1:80", "--https-listen", "[::1]:9469",
                       "--https-name", "a", "--https-name", "10.1.2.3", "--ca", "mine"});
    ASSERT_TRUE(both);
    EXPECT_EQ(both->http_host + " " + std::to_string(both->http_port), "127.0.0.1 80");
    EXPECT_EQ(both->https_host + " " + std::to_string(both->https_port), "::1 9469");
    EXPECT_THAT(both->https_names, testing::ElementsAre("a", "10.1.2.3"));
    EXPECT_EQ(both->ca, "mine");
    const auto wrong = parse_options({"--https-listen", "9469"});
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error().text, testing::HasSubstr("9469 is no address to listen on"));
}

}  // namespace
}  // namespace directfaas::controller
