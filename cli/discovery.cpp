// SPDX-License-Identifier: Apache-2.0
#include "cli/discovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "cli/connection.h"
#include "cli/text.h"

namespace directfaas::cli {
namespace {

constexpr const char* kStart =
    "start one: `systemctl start directfaas-agent`, or `directfaas-agent --source-dir DIR` as root";
constexpr const char* kBeRoot =
    "the agent answers root and its own user only: try `sudo dfctl ...`";

std::string socket_of(const std::string& directory, const std::string& instance) {
    return directory + "/" + instance + ".sock";
}

/// Instances that have a socket in `directory`, sorted. The error is that of opening it.
std::expected<std::vector<std::string>, std::error_code> instances_in(
    const std::string& directory) {
    std::error_code error;
    std::vector<std::string> found;
    for (auto entry = std::filesystem::directory_iterator(directory, error);
         !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        std::error_code ignored;
        if (entry->path().extension() == ".sock" && entry->is_socket(ignored)) {
            found.push_back(entry->path().stem().string());
        }
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        return std::unexpected(error);
    }
    std::ranges::sort(found);
    return found;
}

Failure several(const std::vector<std::string>& instances, const std::string& directory) {
    std::string list = "name one:";
    for (const auto& instance : instances) {
        const bool answers = Connection::open(socket_of(directory, instance)).has_value();
        list += fmt::format("\n  --instance {}{}", printable(instance),
                            answers ? "" : "   (no agent listens there)");
    }
    return {kExitUsage,
            fmt::format("{} have a socket in {}", plural(instances.size(), "instance"), directory),
            list, "", false};
}

}  // namespace

std::expected<Target, Failure> find_agent(const Options& options,
                                          const std::string& run_directory) {
    if (!options.socket.empty()) {
        return Target{options.socket, options.instance};
    }
    if (!options.instance.empty()) {
        return Target{socket_of(run_directory, options.instance), options.instance};
    }
    const auto instances = instances_in(run_directory);
    if (!instances) {
        return std::unexpected(Failure{
            kExitNoAgent,
            fmt::format("cannot look into {}: {}", run_directory, instances.error().message()),
            instances.error() == std::errc::permission_denied ? kBeRoot : "", "", false});
    }
    if (instances->empty()) {
        return std::unexpected(Failure{
            kExitNoAgent, fmt::format("no agent runs here: {} holds no socket", run_directory),
            kStart, "", true});
    }
    if (instances->size() > 1) {
        return std::unexpected(several(*instances, run_directory));
    }
    return Target{socket_of(run_directory, instances->front()), instances->front()};
}

Failure unreachable(const Target& target, int code) {
    const auto where = printable(target.socket);
    switch (code) {
        case ENOENT:
            return {kExitNoAgent, fmt::format("no agent runs here: there is no socket {}", where),
                    kStart, "", true};
        case ECONNREFUSED:
            return {kExitNoAgent, fmt::format("no agent listens on {}: it has ended", where),
                    kStart, "", true};
        case EACCES:
        case EPERM:
            return {kExitNoAgent, fmt::format("no permission to use {}", where), kBeRoot, "",
                    false};
        default:
            return {kExitNoAgent,
                    fmt::format("cannot connect to {}: {}", where, std::strerror(code)), "", "",
                    false};
    }
}

}  // namespace directfaas::cli
