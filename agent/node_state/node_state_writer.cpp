// SPDX-License-Identifier: Apache-2.0
#include "agent/node_state/node_state_writer.h"

#include <utility>

#include "lib/kube/retry.h"
#include "lib/util/log.h"

namespace directfaas::node_state {
namespace {

constexpr const char* kManager = "directfaas-agent";

}  // namespace

NodeStateWriter::NodeStateWriter(std::unique_ptr<kube::HttpTransport> transport,
                                 WriterOptions options)
    : options_(std::move(options)),
      client_(std::move(transport)),
      random_(options_.seed),
      backoff_(options_.retry, options_.seed),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

NodeStateWriter::~NodeStateWriter() {
    thread_.request_stop();
    client_.abort();
}

void NodeStateWriter::publish(kube::NodeState state) {
    const std::scoped_lock lock(mutex_);
    if (wanted_ == state) {
        return;
    }
    wanted_ = std::move(state);
    if (!change_due_) {
        change_due_ = Clock::now() + spread(options_.gather);
        changed_.notify_all();
    }
}

std::string NodeStateWriter::trouble() const {
    const std::scoped_lock lock(mutex_);
    return trouble_;
}

std::chrono::milliseconds NodeStateWriter::spread(std::chrono::milliseconds time) {
    const double factor = std::uniform_real_distribution<double>(1, 2)(random_);
    return std::chrono::ceil<std::chrono::milliseconds>(
        std::chrono::duration<double, std::milli>(time) * factor);
}

/// When there is something to write; nothing: not before something is published.
std::optional<NodeStateWriter::Clock::time_point> NodeStateWriter::due() const {
    if (!wanted_) {
        return std::nullopt;
    }
    return change_due_ && (!written_ || *change_due_ < refresh_due_) ? *change_due_ : refresh_due_;
}

void NodeStateWriter::run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        const auto when = due();
        if (!when) {
            changed_.wait(lock, stop, [this] { return wanted_.has_value(); });
        } else if (Clock::now() < *when) {
            changed_.wait_until(lock, stop, *when, [&] { return due() != when; });
        } else {
            write(lock, stop);
        }
    }
}

void NodeStateWriter::write(std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
    const auto state = *wanted_;
    change_due_.reset();
    lock.unlock();
    const auto answer =
        client_.apply(kube::object_path(kube::node_states(), options_.node), kManager,
                      kube::node_state_text(options_.node, state,
                                            kube::micro_time(std::chrono::system_clock::now())));
    lock.lock();
    if (answer) {
        written_ = state;
        backoff_.reset();
        trouble_.clear();
        refresh_due_ = Clock::now() + spread(options_.refresh / 2);
        return;
    }
    auto why = answer.error().text();
    if (why != trouble_ && !stop.stop_requested()) {
        util::log::warning("this node's DirectFaaSNode object cannot be written: {}", why);
    }
    trouble_ = std::move(why);
    change_due_ =
        Clock::now() + kube::wait_before_retry(backoff_, answer.error().code != 0,
                                               options_.unanswered_max, answer.error().retry_after);
    refresh_due_ = *change_due_;
}

}  // namespace directfaas::node_state
