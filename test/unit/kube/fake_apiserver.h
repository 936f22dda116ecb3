// SPDX-License-Identifier: Apache-2.0
// An HTTP server that says what a test wants said, byte by byte: for what no real apiserver does on
// command. It knows nothing of Kubernetes.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "lib/kube/cluster_access.h"
#include "lib/util/unique_fd.h"

namespace directfaas::kube {

struct FakeRequest {
    std::string method;
    std::string path;                            // without the query
    std::map<std::string, std::string> query;    // decoded
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;

    [[nodiscard]] std::string parameter(const std::string& name) const {
        const auto found = query.find(name);
        return found == query.end() ? "-" : found->second;
    }
    [[nodiscard]] bool is_watch() const { return query.contains("watch"); }
};

/// The server's end of one request.
class FakeAnswer {
   public:
    FakeAnswer(int socket, int stop) : socket_(socket), stop_(stop) {}

    void whole(int status, std::string_view body, std::string_view headers = "");
    void begin(int status = 200);
    void chunk(std::string_view bytes);
    void line(std::string_view text) { chunk(std::string(text) + "\n"); }
    void end() { bytes("0\r\n\r\n"); }
    /// Ends the connection where it stands; with half an answer the client must notice.
    void close();
    /// Says nothing until the client closes or the server is destroyed. True: the client did.
    bool hang();
    void bytes(std::string_view text);
    [[nodiscard]] bool closed() const { return closed_; }
    /// The client has closed, or the server ends.
    [[nodiscard]] bool gone() const;

   private:
    int socket_;
    int stop_;
    bool closed_ = false;
};

class FakeApiserver {
   public:
    using Handler = std::function<void(const FakeRequest&, FakeAnswer&)>;

    /// `handler` runs on a thread per connection.
    explicit FakeApiserver(Handler handler);
    FakeApiserver(const FakeApiserver&) = delete;
    FakeApiserver& operator=(const FakeApiserver&) = delete;
    ~FakeApiserver();

    [[nodiscard]] int port() const { return port_; }
    [[nodiscard]] ClusterAccess access() const;

   private:
    void accept_all();
    void serve(int socket);

    Handler handler_;
    util::UniqueFd listener_;
    util::UniqueFd stop_;  // readable when the server ends
    int port_ = 0;
    std::thread acceptor_;
    std::vector<std::thread> threads_;  // of acceptor_, until it has ended
};

}  // namespace directfaas::kube
