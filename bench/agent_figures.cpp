// SPDX-License-Identifier: Apache-2.0
#include "bench/agent_figures.h"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <stdexcept>

#include "agent/backend/ebpf/pins.h"

namespace directfaas::bench {
namespace {

/// CPU time of a process so far, all threads.
double cpu_seconds(int process) {
    clockid_t clock{};
    timespec time{};
    if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0) {
        throw std::runtime_error("no CPU time of process " + std::to_string(process));
    }
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

}  // namespace

std::string pinned(const support::AgentProcess& agent, const std::string& name) {
    const auto pins = backend::ebpf::Pins::describe("/sys/fs/bpf", agent.options().instance);
    constexpr std::string_view kProgram = "prog/";
    return name.starts_with(kProgram) ? pins.program(name.substr(kProgram.size()))
                                      : pins.table(name);
}

double memory_mib(const support::AgentProcess& agent, const std::string& label) {
    return number_behind("/proc/" + std::to_string(agent.pid()) + "/status", label) / 1024;
}

double cpu_percent(const support::AgentProcess& agent, double seconds,
                   const std::function<void()>& work) {
    const auto before = cpu_seconds(agent.pid());
    work();
    return 100 * (cpu_seconds(agent.pid()) - before) / seconds;
}

std::size_t functions_served(const support::AgentProcess& agent) {
    const auto status = agent.control({{"command", "status"}});
    return static_cast<std::size_t>(std::ranges::count_if(
        status.at("functions"), [](const auto& function) { return function.at("ready") > 0; }));
}

double number_behind(const std::string& path, const std::string& label) {
    std::ifstream file(path);
    for (std::string word; file >> word;) {
        double number = 0;
        if (word == label && file >> number) {
            return number;
        }
    }
    throw std::runtime_error("no " + label + " in " + path);
}

}  // namespace directfaas::bench
