// SPDX-License-Identifier: Apache-2.0
#include "test/support/agent_process.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "test/support/command.h"
#include "test/support/control_client.h"
#include "test/support/wait.h"

namespace directfaas::support {
namespace {

/// In an emulated machine the programs take seconds to verify.
constexpr std::chrono::seconds kReadyPatience{90};

std::string temporary(const std::string& name) {
    return (std::filesystem::temp_directory_path() / name).string();
}

}  // namespace

AgentProcess::AgentProcess(const Netns& node, AgentOptions options)
    : node_(node),
      options_(std::move(options)),
      socket_(temporary(options_.instance + ".sock")),
      log_(temporary(options_.instance + ".log")) {}

AgentProcess::~AgentProcess() {
    kill();
    if (left_something()) {
        remove();
    }
    std::error_code ignored;
    std::filesystem::remove(log_, ignored);
    std::filesystem::remove(socket_, ignored);
    std::filesystem::remove(socket_ + ".lock", ignored);
}

std::vector<std::string> AgentProcess::backend_arguments() const {
    if (options_.vswitch == nullptr) {
        return {"--attach", options_.attach, "--fast-path", options_.fast_path ? "auto" : "off"};
    }
    return {"--backend",     "ovs",
            "--ovs-bridge",  options_.vswitch->bridge(),
            "--ovs-run-dir", options_.vswitch->run_dir()};
}

std::vector<std::string> AgentProcess::source_arguments() const {
    if (options_.kubeconfig.empty()) {
        return {"--source-dir", options_.manifests};
    }
    return {"--source", "kubernetes", "--kubeconfig", options_.kubeconfig};
}

/// The one just built, unless the options or the environment name another.
std::string AgentProcess::program() const {
    const char* chosen = std::getenv("DIRECTFAAS_AGENT");
    return !options_.program.empty() ? options_.program
           : chosen != nullptr       ? chosen
                                     : DF_AGENT_PATH;
}

std::vector<std::string> AgentProcess::command_line() const {
    std::vector<std::string> line{
        program(),     "--instance",       options_.instance,
        "--node-name", options_.node_name, "--socket",
        socket_,       "--http-listen",    fmt::format("127.0.0.1:{}", options_.http_port),
        "--deny",      options_.deny};
    for (std::string& word : source_arguments()) {
        line.push_back(std::move(word));
    }
    for (std::string& word : backend_arguments()) {
        line.push_back(std::move(word));
    }
    for (const std::string& network : options_.pod_networks) {
        line.insert(line.end(), {"--pod-network", network});
    }
    line.insert(line.end(), options_.more.begin(), options_.more.end());
    return line;
}

void AgentProcess::launch() {
    pid_ = start_program(command_line(), node_.fd(), log_, options_.capabilities);
}

void AgentProcess::start() {
    launch();
    wait_ready();
}

void AgentProcess::wait_ready() {
    int ended = -1;
    const bool ready = wait_until(
        [&] {
            ended = wait_for_exit(pid_, std::chrono::milliseconds(0));
            if (ended >= 0) {
                return true;
            }
            const auto status = control_request(socket_, {{"command", "status"}});
            return status && status->value("ready", false);
        },
        kReadyPatience);
    if (ended >= 0) {
        pid_ = -1;
        throw SupportError(fmt::format("agent ended with {}:\n{}", ended, log()));
    }
    if (!ready) {
        throw SupportError("agent does not get ready:\n" + log());
    }
}

void AgentProcess::kill() {
    if (running()) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
}

int AgentProcess::terminate() {
    ::kill(pid_, SIGTERM);
    return wait_exit();
}

int AgentProcess::wait_exit() {
    const int status = wait_for_exit(pid_, kPatience);
    if (status < 0) {
        throw SupportError("agent does not end:\n" + log());
    }
    pid_ = -1;
    return status;
}

int AgentProcess::remove() {
    std::vector<std::string> line{program(), "--instance", options_.instance, "--remove"};
    for (std::string& word : backend_arguments()) {
        line.push_back(std::move(word));
    }
    const CommandResult result = run_command(line, {.netns = node_.fd()});
    std::ofstream(log_, std::ios::app) << result.output;
    return result.status;
}

bool AgentProcess::left_something() const {
    if (options_.vswitch != nullptr) {
        return options_.vswitch->has_our_flows();
    }
    return std::filesystem::exists("/sys/fs/bpf/directfaas/" + options_.instance);
}

nlohmann::json AgentProcess::control(const nlohmann::json& request) const {
    auto answer = control_request(socket_, request);
    if (!answer) {
        throw SupportError(answer.error().text() + "\n" + log());
    }
    if (!answer->value("ok", false)) {
        throw SupportError(request.dump() + " answered " + answer->dump());
    }
    return std::move(*answer);
}

std::string AgentProcess::log(std::size_t lines) const {
    std::ifstream file(log_);
    std::vector<std::string> all;
    for (std::string line; std::getline(file, line);) {
        all.push_back(line);
    }
    const std::size_t first = all.size() > lines ? all.size() - lines : 0;
    return fmt::format(
        "{}", fmt::join(all.begin() + static_cast<std::ptrdiff_t>(first), all.end(), "\n"));
}

}  // namespace directfaas::support
