// SPDX-License-Identifier: Apache-2.0
#include "controller/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <random>

#include "lib/util/number.h"

namespace directfaas::controller {
namespace {

constexpr int kMistake = 2;
constexpr int kMinLeaseSeconds = 1;
constexpr int kMaxLeaseSeconds = 600;

std::string own_identity() {
    std::array<char, 256> buffer{};
    const std::string host =
        gethostname(buffer.data(), buffer.size() - 1) == 0 ? buffer.data() : "controller";
    std::random_device random;
    return fmt::format("{}_{:08x}{:08x}", host, random(), random());
}

/// "0.0.0.0:9468", "[::]:9468"; returns what is wrong with it, or "".
std::string read_address(const std::string& text, std::string& host, std::uint16_t& port_out) {
    const auto colon = text.rfind(':');
    const auto digits = colon == std::string::npos ? "" : text.substr(colon + 1);
    const auto port = util::parse_number<std::uint16_t>(digits).value_or(0);
    if (port == 0) {
        return fmt::format("{} is no address to listen on; write 0.0.0.0:9468 or [::]:9468", text);
    }
    host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    port_out = port;
    return "";
}

void add_apiserver(CLI::App& app, Options& options, int& lease_seconds) {
    app.add_option("--kubeconfig", options.kubeconfig,
                   "how the apiserver is reached (default: the service account of the pod)")
        ->type_name("PATH");
    app.add_option("--lease-namespace", options.lease_ns,
                   "where the Lease is (default: the service account's namespace)")
        ->type_name("NS");
    app.add_option("--lease-name", options.lease,
                   "the Lease that replicas contend for (default directfaas-controller)")
        ->type_name("NAME");
    app.add_option("--lease-duration", lease_seconds,
                   "after so many silent seconds another replica takes over (default 15)")
        ->type_name("SECONDS")
        ->check(CLI::Range(kMinLeaseSeconds, kMaxLeaseSeconds));
    app.add_option("--identity", options.identity,
                   "name of this replica (default: host name and a random part)")
        ->type_name("NAME");
}

void add_listen(CLI::App& app, const char* name, std::string& host, std::uint16_t& port,
                const char* help) {
    app.add_option(
           name,
           [&host, &port](const CLI::results_t& words) {
               const auto wrong = read_address(words.front(), host, port);
               return wrong.empty() ? true : throw CLI::ValidationError(wrong);
           },
           help)
        ->type_name("ADDR:PORT");
}

void add_service(CLI::App& app, Options& options) {
    add_listen(app, "--http-listen", options.http_host, options.http_port,
               "/metrics, /healthz and /readyz (default 0.0.0.0:9468)");
    add_listen(app, "--https-listen", options.https_host, options.https_port,
               "the same over TLS, by a certificate of the controller's own authority (default: "
               "none)");
    app.add_option("--https-name", options.https_names,
                   "a name or address in that certificate besides those of the Service "
                   "directfaas-controller; may be repeated")
        ->type_name("NAME")
        ->allow_extra_args(false);
    app.add_option("--ca", options.ca,
                   "the Secret that keeps the authority and the ConfigMap with what clients trust, "
                   "in the Lease's namespace (default directfaas-ca)")
        ->type_name("NAME");
    app.add_option("--log-level", options.log_level, "debug, info (default), warning or error")
        ->transform(CLI::CheckedTransformer(
            std::map<std::string, util::log::Level>{{"debug", util::log::Level::kDebug},
                                                    {"info", util::log::Level::kInfo},
                                                    {"warning", util::log::Level::kWarning},
                                                    {"error", util::log::Level::kError}}));
    app.add_option("--log-format", options.log_format, "text (default) or json")
        ->transform(CLI::CheckedTransformer(std::map<std::string, util::log::Format>{
            {"text", util::log::Format::kText}, {"json", util::log::Format::kJson}}));
}

}  // namespace

std::expected<Options, Stop> parse_options(std::vector<std::string> arguments) {
    Options options;
    int lease_seconds = static_cast<int>(options.lease_duration.count() / 1000);
    CLI::App app{"The controller of a cluster: judges FunctionChains and tells their state.",
                 "directfaas-controller"};
    app.set_version_flag("--version", "directfaas-controller " DF_VERSION);
    add_apiserver(app, options, lease_seconds);
    add_service(app, options);
    std::ranges::reverse(arguments);
    try {
        app.parse(std::move(arguments));
    } catch (const CLI::CallForHelp&) {
        return std::unexpected(Stop{0, app.help()});
    } catch (const CLI::CallForVersion&) {
        return std::unexpected(Stop{0, "directfaas-controller " DF_VERSION "\n"});
    } catch (const CLI::ParseError& error) {
        return std::unexpected(
            Stop{kMistake, fmt::format("directfaas-controller: {}. See --help\n", error.what())});
    }
    options.lease_duration = std::chrono::seconds{lease_seconds};
    if (options.identity.empty()) {
        options.identity = own_identity();
    }
    return options;
}

}  // namespace directfaas::controller
