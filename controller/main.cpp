// SPDX-License-Identifier: Apache-2.0
// directfaas-controller: parse, wire, run.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "controller/controller.h"
#include "controller/options.h"
#include "lib/kube/httplib_transport.h"
#include "lib/util/event_loop.h"
#include "lib/util/log.h"

namespace {

using namespace directfaas;

constexpr int kFailed = 1;

std::optional<std::string> environment(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets any
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

util::Result<void> run(controller::Options options) {
    const auto access = options.kubeconfig.empty() ? kube::in_cluster(environment)
                                                   : kube::from_kubeconfig(options.kubeconfig);
    if (!access) {
        return std::unexpected(access.error());
    }
    if (options.lease_ns.empty()) {
        options.lease_ns = access->ns;
    }
    auto loop = util::EventLoop::create();
    if (!loop) {
        return std::unexpected(loop.error());
    }
    auto watched = (*loop)->on_signals({SIGTERM, SIGINT}, [&](int) { (*loop)->stop(); });
    if (!watched) {
        return watched;
    }
    auto controller =
        controller::Controller::start(**loop, options, kube::transports_to(*access), access->url());
    if (!controller) {
        return std::unexpected(controller.error());
    }
    util::log::info("{}: Lease {}/{}, as {}", access->url(), options.lease_ns, options.lease,
                    options.identity);
    return (*loop)->run();
}

}  // namespace

int main(int argc, char** argv) {
    const auto options = controller::parse_options({argv + 1, argv + argc});
    if (!options) {
        fmt::print(options.error().exit_status == 0 ? stdout : stderr, "{}", options.error().text);
        return options.error().exit_status;
    }
    util::log::configure(options->log_level, options->log_format);
    if (const auto ended = run(*options); !ended) {
        util::log::error("{}", ended.error().text());
        return kFailed;
    }
    return 0;
}
