// SPDX-License-Identifier: Apache-2.0
// Whom the transport trusts, as whom it comes, and that it follows when these are replaced.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <fstream>
#include <mutex>

#include "lib/kube/httplib_transport.h"
#include "test/support/wait.h"
#include "test/unit/kube/script.h"
#include "test/unit/kube/tls_server.h"
#include "test/unit/manifest/temp_dir.h"

namespace directfaas::kube {
namespace {

using support::wait_until;
using testing::HasSubstr;

void answer_ok(const httplib::Request& request, httplib::Response& response) {
    response.set_content("hello " + request.path, "text/plain");
}

ClusterAccess access_to(int port, const std::string& authority) {
    ClusterAccess access;
    access.host = "127.0.0.1";
    access.port = port;
    access.ca.data = authority;
    return access;
}

util::Result<HttpResponse> get(const ClusterAccess& access, const std::string& path = "/x") {
    return transports_to(access)()->send({.path = path});
}

std::string error_of(const util::Result<HttpResponse>& answer) {
    return answer ? "none, status " + std::to_string(answer->status) : answer.error().text();
}

TEST(Transport, TrustsOnlyTheGivenAuthority) {
    const auto authority = certify("authority", nullptr);
    const auto other = certify("authority", nullptr);
    const TlsServer server(certify("apiserver", &authority), nullptr, answer_ok);

    const auto answer = get(access_to(server.port(), authority.pem));
    ASSERT_TRUE(answer) << answer.error().text();
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "hello /x");
    EXPECT_THAT(error_of(get(access_to(server.port(), other.pem))),
                HasSubstr("certificate is not of the certificate authority"));
    EXPECT_THAT(error_of(get(access_to(server.port(), "nonsense"))),
                HasSubstr("no PEM certificate"));
}

TEST(Transport, TheCertificateMustBeForTheAddress) {
    const auto authority = certify("authority", nullptr);
    const TlsServer server(certify("apiserver", &authority, "127.0.0.2"), nullptr, answer_ok);
    EXPECT_THAT(error_of(get(access_to(server.port(), authority.pem))),
                HasSubstr("not for this address"));
    auto blind = access_to(server.port(), authority.pem);
    blind.verify = false;
    EXPECT_TRUE(get(blind));
}

TEST(Transport, SpeaksToAnIpv6Address) {
    const auto authority = certify("authority", nullptr);
    std::string host;
    const TlsServer server(
        certify("apiserver", &authority, "::1"), nullptr,
        [&](const httplib::Request& request, httplib::Response& response) {
            response.set_content(request.get_header_value("Host"), "text/plain");
        },
        "::1");
    auto access = access_to(server.port(), authority.pem);
    access.host = "::1";
    const auto answer = get(access);
    ASSERT_TRUE(answer) << answer.error().text();
    EXPECT_EQ(answer->body, "[::1]:" + std::to_string(server.port()));
    EXPECT_EQ(access.url(), "https://[::1]:" + std::to_string(server.port()));
}

TEST(Transport, ShowsAClientCertificate) {
    const auto authority = certify("authority", nullptr);
    const TlsServer server(certify("apiserver", &authority), &authority, answer_ok);
    const auto client = certify("node-1", &authority);
    auto access = access_to(server.port(), authority.pem);
    EXPECT_FALSE(get(access));
    access.client_certificate.data = client.pem;
    access.client_key.data = client.key_pem;
    EXPECT_TRUE(get(access)) << error_of(get(access));
    access.client_key.data = certify("other", &authority).key_pem;
    EXPECT_THAT(error_of(get(access)), HasSubstr("no pair"));
}

TEST(Transport, FollowsAnAuthorityThatIsReplaced) {
    const manifest::TempDir directory;
    const auto path = directory.path("ca.crt");
    const auto old_authority = certify("authority", nullptr);
    const auto new_authority = certify("authority", nullptr);
    auto server =
        std::make_unique<TlsServer>(certify("apiserver", &old_authority), nullptr, answer_ok);
    auto access = access_to(server->port(), "");
    access.ca.file = path;
    directory.write("ca.crt", old_authority.pem);
    const auto transport = transports_to(access)();
    const auto watch = [&] { return transport->stream({.path = "/x"}, [](auto) { return true; }); };
    EXPECT_TRUE(watch());

    const int port = server->port();
    server.reset();
    server = std::make_unique<TlsServer>(certify("apiserver", &new_authority), nullptr, answer_ok,
                                         "127.0.0.1", port);
    EXPECT_FALSE(watch());
    directory.write("ca.crt", new_authority.pem);
    const auto again = watch();
    EXPECT_TRUE(again) << again.error().text();
    EXPECT_TRUE(transport->send({.path = "/x"}));
}

/// A plain server that takes one token only.
class TokenTest : public testing::Test {
   protected:
    void answer(const FakeRequest& request, FakeAnswer& answer) {
        const std::scoped_lock lock(mutex_);
        ++requests_;
        const auto found = request.headers.find("authorization");
        const auto shown = found == request.headers.end() ? "none" : found->second;
        answer.whole(shown == "Bearer " + valid_ ? 200 : 401, shown);
    }
    void make_valid(const std::string& token) {
        const std::scoped_lock lock(mutex_);
        valid_ = token;
        requests_ = 0;
    }
    int requests() {
        const std::scoped_lock lock(mutex_);
        return requests_;
    }

    std::mutex mutex_;
    std::string valid_ = "one";
    int requests_ = 0;
    FakeApiserver server_{
        [this](const FakeRequest& request, FakeAnswer& out) { answer(request, out); }};
    manifest::TempDir directory_;
    ClusterAccess access_ = server_.access();
};

TEST_F(TokenTest, ATokenIsReadAgainWhenItIsRefused) {
    directory_.write("token", "  one\n");
    access_.token_file = directory_.path("token");
    const auto transport = transports_to(access_)();
    EXPECT_EQ(transport->send({.path = "/"})->status, 200);

    make_valid("two");
    directory_.write("token", "two");
    EXPECT_EQ(transport->send({.path = "/"})->status, 200);
    EXPECT_EQ(requests(), 2);

    make_valid("three");  // which nobody wrote
    EXPECT_EQ(transport->send({.path = "/"})->status, 401);
    EXPECT_EQ(requests(), 2) << "a 401 is tried again once, not for ever";
}

TEST_F(TokenTest, AWatchStartsWithTheNewToken) {
    directory_.write("token", "one");
    access_.token_file = directory_.path("token");
    const auto transport = transports_to(access_)();
    EXPECT_EQ(transport->send({.path = "/"})->status, 200);
    make_valid("two");
    directory_.write("token", "two");
    bool opened = false;
    const auto answer = transport->stream({.path = "/"}, [&](std::string_view bytes) {
        opened = opened || bytes.empty();
        return true;
    });
    EXPECT_EQ(answer->status, 200);
    EXPECT_TRUE(opened);
}

TEST_F(TokenTest, ATokenFileThatVanishesLeavesTheLastTokenInUse) {
    directory_.write("token", "one");
    access_.token_file = directory_.path("token");
    TokenSource tokens(access_, std::chrono::seconds{0});
    EXPECT_EQ(*tokens.token(), "one");
    directory_.write("token", " \n");
    EXPECT_EQ(*tokens.token(), "one");
    std::filesystem::remove(directory_.path("token"));
    EXPECT_EQ(*tokens.token(), "one");
    directory_.write("token", "two");
    EXPECT_EQ(*tokens.token(), "two");
}

TEST_F(TokenTest, WithoutAnyTokenNothingIsSent) {
    access_.token_file = directory_.path("token");
    EXPECT_THAT(error_of(get(access_)), HasSubstr("bearer token"));
    EXPECT_EQ(requests(), 0);
}

TEST_F(TokenTest, AGivenTokenIsSent) {
    access_.token = "one";
    EXPECT_EQ(get(access_)->status, 200);
}

TEST(Transport, NamesWhatItCannotReach) {
    ClusterAccess access;
    {
        const FakeApiserver gone([](const FakeRequest&, FakeAnswer&) {});
        access = gone.access();
    }
    EXPECT_EQ(error_of(get(access, "/api?x=1")), "GET " + access.url() + "/api: no connection");
}

TEST(Transport, ATooLongAnswerIsRefused) {
    const FakeApiserver server(
        [](const FakeRequest&, FakeAnswer& answer) { answer.whole(200, std::string(2000, 'x')); });
    EXPECT_THAT(error_of(transports_to(server.access(), {.max_body = 1000})()->send({.path = "/"})),
                HasSubstr("longer than 1000 bytes"));
}

TEST(Transport, AbortEndsARequestAndRefusesTheNext) {
    std::atomic<bool> asked = false;
    const FakeApiserver server([&](const FakeRequest&, FakeAnswer& answer) {
        asked = true;
        answer.hang();
        answer.close();
    });
    const auto transport = transports_to(server.access())();
    std::thread other([&] {
        EXPECT_TRUE(wait_until([&] { return asked.load(); }));
        transport->abort();
    });
    EXPECT_THAT(error_of(transport->send({.path = "/"})), HasSubstr("aborted"));
    other.join();
    EXPECT_THAT(error_of(transport->send({.path = "/"})), HasSubstr("aborted"));
}

/// Sockets of this machine in state SYN_SENT to a port.
int unanswered_connects(int port) {
    std::ifstream table("/proc/net/tcp");
    const auto remote = fmt::format(":{:04X} 02 ", port);
    int count = 0;
    for (std::string line; std::getline(table, line);) {
        count += line.contains(remote) ? 1 : 0;
    }
    return count;
}

TEST(Transport, AbortEndsAConnectThatNobodyAnswers) {
    // A listener that accepts nobody: once its queue is full, SYNs stay without an answer.
    const util::UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(bind(listener.get(), plain, size), 0);
    ASSERT_EQ(listen(listener.get(), 0), 0);
    ASSERT_EQ(getsockname(listener.get(), plain, &size), 0);
    std::vector<util::UniqueFd> queue;
    for (int i = 0; i < 4; ++i) {
        queue.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        connect(queue.back().get(), plain, size);
    }

    ClusterAccess access;
    access.tls = false;
    access.host = "127.0.0.1";
    access.port = ntohs(address.sin_port);
    const auto transport = transports_to(access, {.connect_timeout = std::chrono::hours{1}})();
    const auto before = unanswered_connects(access.port);
    std::thread asking(
        [&] { EXPECT_THAT(error_of(transport->send({.path = "/"})), HasSubstr("aborted")); });
    EXPECT_TRUE(wait_until([&] { return unanswered_connects(access.port) > before; }));
    transport->abort();
    asking.join();
}

}  // namespace
}  // namespace directfaas::kube
