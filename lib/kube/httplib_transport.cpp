// SPDX-License-Identifier: Apache-2.0
#include "lib/kube/httplib_transport.h"

#include <fmt/format.h>
#include <httplib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>

#include <csignal>

#include "lib/kube/abort_switch.h"
#include "lib/util/number.h"

namespace directfaas::kube {
namespace {

constexpr int kUnauthorized = 401;
constexpr std::size_t kMaxErrorBody = 1U << 20;
constexpr std::chrono::minutes kClientLife{1};

/// The library takes certificates from files only, and rotated files may be half written: what was
/// read is handed over as a file in memory.
class MemoryFile {
   public:
    explicit MemoryFile(std::string_view text)
        : fd_(memfd_create("credential", MFD_CLOEXEC)),
          whole_(write(fd_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())) {}
    [[nodiscard]] bool whole() const { return whole_; }
    [[nodiscard]] std::string path() const { return fmt::format("/proc/self/fd/{}", fd_.get()); }

   private:
    util::UniqueFd fd_;
    bool whole_;
};

/// A certificate authority's file stays open as long as the client, which reads it when it
/// connects.
struct Client {
    std::unique_ptr<const MemoryFile> ca;
    std::unique_ptr<httplib::ClientImpl> http;
    std::chrono::steady_clock::time_point made;
};

util::Result<void> use_client_certificate(SSL_CTX* context, const ClusterAccess& access) {
    if (access.client_certificate.empty()) {
        return {};
    }
    auto certificate = access.client_certificate.read();
    auto key = access.client_key.read();
    if (!certificate || !key) {
        return util::pass(certificate ? key.error() : certificate.error(), "client certificate");
    }
    const MemoryFile certificate_file(*certificate);
    const MemoryFile key_file(*key);
    const bool used =
        certificate_file.whole() && key_file.whole() &&
        SSL_CTX_use_certificate_chain_file(context, certificate_file.path().c_str()) == 1 &&
        SSL_CTX_use_PrivateKey_file(context, key_file.path().c_str(), SSL_FILETYPE_PEM) == 1;
    if (!used) {
        return util::fail("the client certificate and its key are no PEM, or are no pair");
    }
    return {};
}

util::Result<void> use_ca(httplib::SSLClient& client, Client& made, const ClusterAccess& access) {
    client.enable_server_certificate_verification(access.verify);
    auto ca = access.ca.read();
    if (!ca) {
        return util::pass(ca.error(), "certificate authority of the apiserver");
    }
    if (!ca->empty()) {
        made.ca = std::make_unique<const MemoryFile>(*ca);
        client.set_ca_cert_path(made.ca->path());
    }
    return {};
}

void set_option(int socket, int level, int option, int value) {
    setsockopt(socket, level, option, &value, sizeof(value));
}

std::optional<std::chrono::seconds> retry_after(const httplib::Response& response) {
    const auto seconds = util::parse_number<unsigned>(response.get_header_value("Retry-After"));
    return seconds ? std::optional(std::chrono::seconds{*seconds}) : std::nullopt;
}

const char* reason_of(httplib::Error error) {
    switch (error) {
        case httplib::Error::Connection:
        case httplib::Error::ConnectionTimeout:
            return "no connection";
        case httplib::Error::SSLConnection:
            return "the TLS handshake failed";
        case httplib::Error::SSLLoadingCerts:
            return "the certificate authority is no PEM certificate";
        case httplib::Error::SSLServerVerification:
            return "the server's certificate is not of the certificate authority that is "
                   "expected, or not for this address";
        case httplib::Error::Read:
            return "the connection broke, or nothing came for too long";
        case httplib::Error::Write:
            return "the connection broke";
        default:
            return "the answer is no HTTP";
    }
}

/// The library writes TLS by write(2), so a peer that has closed would end a process that has not
/// said what is to happen then. What it has said stays.
void survive_closed_peers() {
    struct sigaction now{};
    if (sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) {
        std::signal(SIGPIPE, SIG_IGN);
    }
}

class HttplibTransport final : public HttpTransport {
   public:
    HttplibTransport(std::shared_ptr<const ClusterAccess> access,
                     std::shared_ptr<TokenSource> tokens, TransportLimits limits)
        : access_(std::move(access)), tokens_(std::move(tokens)), limits_(limits) {
        survive_closed_peers();
    }

    util::Result<HttpResponse> send(const HttpRequest& request) override {
        if (client_ && std::chrono::steady_clock::now() - client_->made > kClientLife) {
            drop_client();
        }
        return twice_if_unauthorized(request, nullptr);
    }

    util::Result<HttpResponse> stream(const HttpRequest& request, const Receive& receive) override {
        drop_client();
        auto answer = twice_if_unauthorized(request, &receive);
        drop_client();
        return answer;
    }

    void abort() override { abort_.abort(); }

   private:
    void drop_client() {
        client_.reset();
        abort_.forget();
    }

    util::Result<HttpResponse> twice_if_unauthorized(const HttpRequest& request,
                                                     const Receive* receive) {
        auto answer = once(request, receive);
        if (answer && answer->status == kUnauthorized) {
            tokens_->refused(token_);
            drop_client();
            answer = once(request, receive);
        }
        return answer;
    }

    util::Result<HttpResponse> once(const HttpRequest& request, const Receive* receive) {
        auto answer = try_once(request, receive);
        if (!answer) {
            drop_client();
            const auto what = fmt::format("{} {}{}", request.method, access_->url(),
                                          request.path.substr(0, request.path.find('?')));
            return abort_.aborted() ? util::fail(what + ": aborted")
                                    : util::pass(answer.error(), what);
        }
        return answer;
    }

    util::Result<HttpResponse> try_once(const HttpRequest& request, const Receive* receive) {
        if (auto ready = make_client(); !ready) {
            return std::unexpected(ready.error());
        }
        auto token = tokens_->token();
        if (!token) {
            return std::unexpected(token.error());
        }
        token_ = std::move(*token);
        client_->http->set_read_timeout(request.idle_timeout);
        httplib::Request out;
        out.method = request.method;
        out.path = access_->base_path + request.path;
        out.body = request.body;
        add_headers(request, out);
        return exchange(out, receive);
    }

    void add_headers(const HttpRequest& request, httplib::Request& out) const {
        out.set_header("Accept", "application/json");
        out.set_header("Accept-Encoding", "identity");
        out.set_header("User-Agent", "directfaas");
        if (!request.content_type.empty()) {
            out.set_header("Content-Type", request.content_type);
        }
        if (!token_.empty()) {
            out.set_header("Authorization", "Bearer " + token_);
        }
    }

    util::Result<HttpResponse> exchange(httplib::Request& out, const Receive* receive) {
        HttpResponse answer;
        bool ended_here = false;
        bool too_long = false;
        out.response_handler = [&](const httplib::Response& head) {
            answer.status = head.status;
            answer.retry_after = retry_after(head);
            if (receive != nullptr && answer.status == kHttpOk) {
                ended_here = !(*receive)({});
            }
            return !ended_here && !abort_.aborted();
        };
        out.content_receiver = [&](const char* data, std::size_t size, std::uint64_t /*offset*/,
                                   std::uint64_t /*total*/) {
            if (abort_.aborted()) {
                return false;
            }
            if (receive != nullptr && answer.status == kHttpOk) {
                ended_here = !(*receive)({data, size});
                return !ended_here;
            }
            const auto limit = answer.status == kHttpOk ? limits_.max_body : kMaxErrorBody;
            too_long = answer.body.size() + size > limit;
            if (!too_long) {
                answer.body.append(data, size);
            }
            return !too_long;
        };
        httplib::Response in;
        auto error = httplib::Error::Success;
        const bool done = client_->http->send(out, in, error);
        if (too_long) {
            return util::fail(fmt::format("the answer is longer than {} bytes", limits_.max_body));
        }
        if ((ended_here || done) && !abort_.aborted()) {
            return answer;
        }
        return util::fail(reason_of(error));
    }

    util::Result<void> make_client() {
        if (client_) {
            return {};
        }
        if (abort_.aborted()) {
            return util::fail("aborted");
        }
        Client made;
        made.made = std::chrono::steady_clock::now();
        if (access_->tls) {
            auto tls = std::make_unique<httplib::SSLClient>(access_->host, access_->port);
            for (auto ready : {use_client_certificate(tls->ssl_context(), *access_),
                               use_ca(*tls, made, *access_)}) {
                if (!ready) {
                    return ready;
                }
            }
            made.http = std::move(tls);
        } else {
            made.http = std::make_unique<httplib::ClientImpl>(access_->host, access_->port);
        }
        made.http->set_keep_alive(true);
        made.http->set_url_encode(false);
        made.http->set_connection_timeout(limits_.connect_timeout);
        made.http->set_write_timeout(limits_.dead_peer);
        made.http->set_socket_options([this](int socket) { prepare_socket(socket); });
        client_ = std::move(made);
        return {};
    }

    void prepare_socket(int socket) {
        const auto seconds = static_cast<int>(limits_.dead_peer.count());
        set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
        set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, std::max(seconds / 3, 1));
        set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, std::max(seconds / 3, 1));
        set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, seconds * 1000);
        set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
        abort_.mind(socket);
    }

    std::shared_ptr<const ClusterAccess> access_;
    std::shared_ptr<TokenSource> tokens_;
    TransportLimits limits_;
    AbortSwitch abort_;
    std::optional<Client> client_;
    std::string token_;  // as last sent
};

}  // namespace

std::unique_ptr<HttpTransport> make_httplib_transport(std::shared_ptr<const ClusterAccess> access,
                                                      std::shared_ptr<TokenSource> tokens,
                                                      TransportLimits limits) {
    return std::make_unique<HttplibTransport>(std::move(access), std::move(tokens), limits);
}

MakeTransport transports_to(const ClusterAccess& access, TransportLimits limits) {
    return [access = std::make_shared<const ClusterAccess>(access),
            tokens = std::make_shared<TokenSource>(access),
            limits] { return make_httplib_transport(access, tokens, limits); };
}

}  // namespace directfaas::kube
