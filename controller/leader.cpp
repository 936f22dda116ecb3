// SPDX-License-Identifier: Apache-2.0
#include "controller/leader.h"

#include <utility>

#include "lib/util/log.h"

namespace directfaas::controller {
namespace {

/// Below the deadline, so that a request that hangs does not cost the lead.
std::chrono::seconds patience_of(const kube::ElectionOptions& options) {
    return std::max(std::chrono::seconds{1},
                    std::chrono::duration_cast<std::chrono::seconds>(options.deadline / 2));
}

}  // namespace

Leader::Leader(std::unique_ptr<kube::HttpTransport> transport, kube::ElectionOptions options,
               std::function<void(bool)> on_change)
    : options_(std::move(options)),
      client_(std::move(transport), patience_of(options_)),
      election_(client_, options_),
      on_change_(std::move(on_change)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

bool Leader::leads() const { return Clock::now().time_since_epoch().count() < leads_until_.load(); }

std::string Leader::holder() const {
    const std::scoped_lock lock(mutex_);
    return holder_;
}

std::string Leader::trouble() const {
    const std::scoped_lock lock(mutex_);
    return trouble_;
}

void Leader::run(const std::stop_token& stop) {
    bool led = false;
    std::string logged;
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        lock.unlock();
        const auto begun = Clock::now();
        election_.step();
        const bool leads = election_.leading();
        if (!leads) {
            leads_until_ = 0;
        } else if (election_.trouble().empty()) {
            leads_until_ = (begun + options_.deadline).time_since_epoch().count();
        }
        if (election_.trouble() != logged) {
            logged = election_.trouble();
            if (!logged.empty()) {
                util::log::warning("Lease {}/{}: {}", options_.ns, options_.name, logged);
            }
        }
        if (leads != led) {
            led = leads;
            util::log::info("{}",
                            leads ? "this controller leads" : "this controller leads no more");
            on_change_(leads);
        }
        lock.lock();
        holder_ = election_.holder();
        trouble_ = election_.trouble();
        stopped_.wait_for(lock, stop, options_.retry, [] { return false; });
    }
    lock.unlock();
    leads_until_ = 0;
    election_.resign();
}

}  // namespace directfaas::controller
