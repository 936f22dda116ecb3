// SPDX-License-Identifier: Apache-2.0
#include "test/kube/controller_process.h"

#include <fmt/format.h>
#include <httplib.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "test/support/command.h"
#include "test/support/wait.h"

namespace directfaas::test {

ControllerProcess::ControllerProcess(const Apiserver& server, std::string identity,
                                     const std::string& token, const std::string& lease_namespace,
                                     const std::vector<std::string>& more)
    : identity_(std::move(identity)),
      log_(server.directory() + "/" + identity_ + ".log"),
      port_(free_port()) {
    std::vector<std::string> words{DF_CONTROLLER_PATH,
                                   "--kubeconfig",
                                   server.kubeconfig(token),
                                   "--lease-namespace",
                                   lease_namespace,
                                   "--lease-duration",
                                   "3",
                                   "--identity",
                                   identity_,
                                   "--http-listen",
                                   fmt::format("127.0.0.1:{}", port_)};
    words.insert(words.end(), more.begin(), more.end());
    child_ = support::start_program(words, -1, log_);
}

ControllerProcess::~ControllerProcess() { kill_now(); }

void ControllerProcess::kill_now() {
    if (child_ > 0) {
        kill(child_, SIGKILL);
        support::wait_for_exit(child_, support::kPatience);
        child_ = -1;
    }
}

int ControllerProcess::terminate() {
    kill(child_, SIGTERM);
    const int status = support::wait_for_exit(child_, support::kPatience);
    if (status >= 0) {
        child_ = -1;
    }
    return status;
}

std::string ControllerProcess::http(const std::string& path) const {
    httplib::Client client("127.0.0.1", port_);
    const auto answer = client.Get(path);
    return answer ? answer->body : "";
}

bool ControllerProcess::leads() const {
    return http("/metrics").contains("\ndirectfaas_controller_leader 1\n");
}

std::string ControllerProcess::log() const {
    std::ifstream file(log_);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace directfaas::test
