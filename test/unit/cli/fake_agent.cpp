// SPDX-License-Identifier: Apache-2.0
#include "test/unit/cli/fake_agent.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace directfaas::cli {
namespace {

util::UniqueFd listen_on(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    util::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(fd.get(), 8) != 0) {
        throw std::runtime_error("cannot listen on " + path);
    }
    return fd;
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() : path_("/tmp/dfctl-test-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) {
        throw std::runtime_error("cannot make " + path_);
    }
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

nlohmann::json Peer::request() {
    std::string line;
    char c = 0;
    while (::recv(fd_.get(), &c, 1, 0) == 1) {
        if (c == '\n') {
            return nlohmann::json::parse(line, nullptr, false);
        }
        line += c;
    }
    return nullptr;
}

bool Peer::send(std::string_view text) const {
    while (!text.empty()) {
        const auto sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

void Peer::wait_closed() const {
    std::array<char, 64> ignored{};
    while (::recv(fd_.get(), ignored.data(), ignored.size(), 0) > 0) {
    }
}

FakeAgent::FakeAgent(const std::string& path, std::function<void(Peer&)> script)
    : listener_(listen_on(path)), script_(std::move(script)), thread_([this] {
          while (true) {
              util::UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
              if (!connection.valid()) {
                  return;  // the listener was shut down
              }
              Peer peer(std::move(connection));
              script_(peer);
          }
      }) {}

FakeAgent::~FakeAgent() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
}

std::function<void(Peer&)> FakeAgent::answering(std::string line) {
    line += '\n';
    return [line](Peer& peer) {
        peer.request();
        peer.send(line);
    };
}

void leave_dead_socket(const std::string& path) { listen_on(path); }

}  // namespace directfaas::cli
