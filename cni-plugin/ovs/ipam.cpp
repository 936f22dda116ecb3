// SPDX-License-Identifier: Apache-2.0
#include "cni-plugin/ovs/ipam.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <vector>

#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::cni::ovs {
namespace {

using Variables = std::map<std::string, std::string>;

std::vector<std::string> environment_with(const Variables& changed) {
    std::vector<std::string> all;
    for (char** at = environ; *at != nullptr; ++at) {
        const std::string line = *at;
        if (!changed.contains(line.substr(0, line.find('=')))) {
            all.push_back(line);
        }
    }
    for (const auto& [name, value] : changed) {
        std::string line = name;
        all.push_back(std::move(line.append("=").append(value)));
    }
    return all;
}

struct Ran {
    int status = -1;
    std::string out;
};

/// `input` must fit into a pipe; a network's configuration does.
std::expected<Ran, std::string> execute(const std::string& program, const std::string& input,
                                        const Variables& changed) {
    int in[2];
    int out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
        return std::unexpected(util::with_errno("pipe"));
    }
    util::UniqueFd in_read(in[0]);
    util::UniqueFd in_write(in[1]);
    const util::UniqueFd out_read(out[0]);
    util::UniqueFd out_write(out[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in_read.get(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out_write.get(), STDOUT_FILENO);
    auto lines = environment_with(changed);
    std::vector<char*> variables;
    variables.reserve(lines.size() + 1);
    for (auto& line : lines) {
        variables.push_back(line.data());
    }
    variables.push_back(nullptr);
    std::string path = program;
    char* arguments[] = {path.data(), nullptr};
    pid_t child = -1;
    const int failed =
        posix_spawn(&child, path.c_str(), &actions, nullptr, arguments, variables.data());
    posix_spawn_file_actions_destroy(&actions);
    in_read.reset();
    out_write.reset();
    if (failed != 0) {
        return std::unexpected("run " + program + ": " + std::strerror(failed));
    }
    if (write(in_write.get(), input.data(), input.size()) < 0) {
        errno = 0;  // it does not want it; its answer tells why
    }
    in_write.reset();
    Ran ran;
    std::array<char, 65536> piece{};
    for (ssize_t got = 0; (got = read(out_read.get(), piece.data(), piece.size())) > 0;) {
        ran.out.append(piece.data(), static_cast<std::size_t>(got));
    }
    int status = 0;
    waitpid(child, &status, 0);
    ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return ran;
}

std::expected<Json, CniError> answer_of(const std::string& program, const std::string& input,
                                        const Variables& changed) {
    const auto ran = execute(program, input, changed);
    if (!ran) {
        return std::unexpected(CniError{Code::kInputOutput, "delegate to " + program, ran.error()});
    }
    auto answer = Json::parse(ran->out, nullptr, false);
    if (ran->status != 0) {
        const bool told = answer.is_object() && answer.contains("msg");
        return std::unexpected(
            CniError{Code::kInternal, program + " failed",
                     told ? answer.value("msg", "") + " " + answer.value("details", "")
                          : "exit status " + std::to_string(ran->status) + " " + ran->out});
    }
    if (ran->out.empty()) {
        return Json();
    }
    if (!answer.is_object()) {
        return std::unexpected(
            CniError{Code::kDecode, program + " printed something that is no JSON object", ""});
    }
    return answer;
}

std::string program_in(std::string_view path, const std::string& name) {
    while (!path.empty()) {
        const auto end = std::min(path.find(':'), path.size());
        const auto program = std::string(path.substr(0, end)) + "/" + name;
        if (end > 0 && access(program.c_str(), X_OK) == 0) {
            return program;
        }
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return {};
}

}  // namespace

std::expected<Ipam, CniError> Ipam::find(const Call& call, const NetworkConfig& config) {
    Ipam ipam;
    ipam.program_ = program_in(call.path, config.ipam);
    if (ipam.program_.empty()) {
        return std::unexpected(CniError{Code::kConfig,
                                        "ipam.type " + config.ipam + " is not in CNI_PATH",
                                        call.path.empty() ? "CNI_PATH is not set" : call.path});
    }
    auto input = config.whole;
    ipam.input_ = input.dump();
    auto versions = answer_of(ipam.program_, ipam.input_, {{"CNI_COMMAND", "VERSION"}});
    if (!versions) {
        return std::unexpected(versions.error());
    }
    ipam.versions_ = versions->value("supportedVersions", Json::array());
    // Debian 12's host-local ends at 1.0.0, whose results are the same as 1.1.0's.
    const auto& all = supported_versions();
    for (auto at = std::ranges::find(all, input.value("cniVersion", "")); at != all.end(); --at) {
        if (ipam.knows(*at) || at == all.begin()) {
            input["cniVersion"] = *at;
            break;
        }
    }
    ipam.input_ = input.dump();
    return ipam;
}

bool Ipam::knows(const std::string& cni_version) const {
    return std::find(versions_.begin(), versions_.end(), cni_version) != versions_.end();
}

std::expected<Json, CniError> Ipam::run(const char* command) const {
    return answer_of(program_, input_, {{"CNI_COMMAND", command}});
}

std::expected<Json, CniError> Ipam::remove(const std::string& container,
                                           const std::string& interface_name) const {
    return answer_of(program_, input_,
                     {{"CNI_COMMAND", "DEL"},
                      {"CNI_CONTAINERID", container},
                      {"CNI_IFNAME", interface_name},
                      {"CNI_NETNS", ""}});
}

}  // namespace directfaas::cni::ovs
