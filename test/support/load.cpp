// SPDX-License-Identifier: Apache-2.0
#include "test/support/load.h"

#include <fmt/format.h>

#include <optional>

namespace directfaas::support {

Load::Load(const Netns& netns, const SocketAddress& to, const LoadOptions& options)
    : netns_(netns), to_(to), options_(options) {
    for (int worker = 0; worker < options_.workers; ++worker) {
        threads_.emplace_back([this, worker] { work(worker); });
    }
}

Load::~Load() { stop(); }

bool Load::wait_for(std::uint64_t more) {
    const std::uint64_t goal = done_ + more;
    return wait_until([&] { return done_ >= goal; });
}

LoadReport Load::stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) {
        thread.join();
    }
    threads_.clear();
    return report_;
}

void Load::record_failure(const util::Error& error) {
    const std::lock_guard lock(mutex_);
    ++report_.failed;
    if (report_.failures.size() < 5) {
        report_.failures.push_back(
            fmt::format("request {} to {}: {}", done_.load(), to_.text(), error.text()));
    }
}

void Load::ask(TcpClient& client, const std::string& line) {
    const auto answer = client.ask(line);
    if (!answer) {
        record_failure(answer.error());
        client.close();
        return;
    }
    const std::size_t space = answer->find(' ');
    if (space == std::string::npos || answer->substr(space + 1) != line) {
        record_failure(util::Error{0, "wrong answer: " + *answer});
        return;
    }
    const std::lock_guard lock(mutex_);
    ++report_.answered;
    ++report_.by_server[answer->substr(0, space)];
}

void Load::work(int worker) {
    std::optional<TcpClient> client;
    for (int request = 0; !stopping_; ++request) {
        if (!client) {
            auto opened = TcpClient::connect(netns_, to_);
            if (opened) {
                client.emplace(std::move(*opened));
                const std::lock_guard lock(mutex_);
                ++report_.connections;
            } else {
                record_failure(opened.error());
            }
        }
        if (client) {
            ask(*client, fmt::format("{}.{}", worker, request));
            if (options_.mode == LoadMode::kNewConnections || client->fd() < 0) {
                client.reset();
            }
        }
        ++done_;
        std::this_thread::sleep_for(options_.pause);  // the pace of the load, nothing waits for it
    }
}

}  // namespace directfaas::support
