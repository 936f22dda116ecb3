// SPDX-License-Identifier: Apache-2.0
// Writes to the apiserver on a thread of its own: the newest wish for each object, and only while
// this controller leads. Nothing is tried again here: what is still not as it should be is wished
// for again.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "lib/kube/client.h"

namespace directfaas::controller {

struct WriterCounters {
    std::uint64_t written = 0;
    std::uint64_t failed = 0;
};

class Writer {
   public:
    using Write = std::function<kube::Answer<std::string>(kube::Client&)>;

    Writer(std::unique_ptr<kube::HttpTransport> transport, std::function<bool()> may_write);
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    /// What is not written yet is not written.
    ~Writer();

    /// Any thread; never waits. Takes the place of an earlier wish of the same name.
    void wish(const std::string& name, Write write);
    [[nodiscard]] WriterCounters counters() const;
    /// What the last failure was; empty if the last write succeeded.
    [[nodiscard]] std::string trouble() const;

   private:
    void run(const std::stop_token& stop);
    void note(const std::string& name, const kube::Answer<std::string>& answer, bool stopping);

    kube::Client client_;
    std::function<bool()> may_write_;

    mutable std::mutex mutex_;  // of all that follows
    std::condition_variable_any changed_;
    std::map<std::string, Write> wishes_;
    WriterCounters counters_;
    std::string trouble_;

    std::jthread thread_;  // last: it uses all the others
};

}  // namespace directfaas::controller
