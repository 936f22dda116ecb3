// SPDX-License-Identifier: Apache-2.0
#include "controller/writer.h"

#include <fmt/format.h>

#include <utility>

#include "lib/util/log.h"

namespace directfaas::controller {

Writer::Writer(std::unique_ptr<kube::HttpTransport> transport, std::function<bool()> may_write)
    : client_(std::move(transport)),
      may_write_(std::move(may_write)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Writer::~Writer() {
    thread_.request_stop();
    client_.abort();
}

void Writer::wish(const std::string& name, Write write) {
    const std::scoped_lock lock(mutex_);
    wishes_.insert_or_assign(name, std::move(write));
    changed_.notify_all();
}

WriterCounters Writer::counters() const {
    const std::scoped_lock lock(mutex_);
    return counters_;
}

std::string Writer::trouble() const {
    const std::scoped_lock lock(mutex_);
    return trouble_;
}

void Writer::run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [this] { return !wishes_.empty(); }) &&
           !stop.stop_requested()) {
        const auto next = wishes_.extract(wishes_.begin());
        lock.unlock();
        if (may_write_()) {
            note(next.key(), next.mapped()(client_), stop.stop_requested());
        }
        lock.lock();
    }
}

void Writer::note(const std::string& name, const kube::Answer<std::string>& answer, bool stopping) {
    const std::scoped_lock lock(mutex_);
    if (answer) {
        ++counters_.written;
        trouble_.clear();
        return;
    }
    // Gone or changed meanwhile: the watch tells what is to be written instead.
    if (answer.error().not_found() || answer.error().conflict()) {
        return;
    }
    ++counters_.failed;
    auto why = fmt::format("{}: {}", name, answer.error().text());
    if (why != trouble_ && !stopping) {
        util::log::warning("{}", why);
    }
    trouble_ = std::move(why);
}

}  // namespace directfaas::controller
