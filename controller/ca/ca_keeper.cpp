// SPDX-License-Identifier: Apache-2.0
#include "controller/ca/ca_keeper.h"

#include <utility>

#include "lib/util/log.h"

namespace directfaas::controller {
namespace {

/// Between two looks at the Secret: another replica may have written it.
constexpr std::chrono::minutes kLook{1};
constexpr std::chrono::seconds kRetry{5};

}  // namespace

CaKeeper::CaKeeper(std::unique_ptr<kube::HttpTransport> transport, CaOptions options,
                   std::function<void(const Certified&)> use)
    : client_(std::move(transport)),
      ca_(client_, std::move(options)),
      use_(std::move(use)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

CaKeeper::~CaKeeper() {
    thread_.request_stop();
    client_.abort();
}

CaStanding CaKeeper::standing() const {
    const std::scoped_lock lock(mutex_);
    return standing_;
}

void CaKeeper::run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    std::optional<Certified> used;
    while (!stop.stop_requested()) {
        lock.unlock();
        ca_.step();
        if (ca_.server() && ca_.server() != used) {
            used = ca_.server();
            use_(*used);
        }
        lock.lock();
        if (ca_.trouble() != standing_.trouble && !ca_.trouble().empty() &&
            !stop.stop_requested()) {
            util::log::warning("certificate authority: {}", ca_.trouble());
        }
        standing_ = {ca_.server_until(), ca_.authority_until(), ca_.trouble()};
        stopped_.wait_for(lock, stop, ca_.trouble().empty() ? std::chrono::seconds(kLook) : kRetry,
                          [] { return false; });
    }
}

}  // namespace directfaas::controller
