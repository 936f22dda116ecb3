// SPDX-License-Identifier: Apache-2.0
// What an agent takes, and what it says it serves.
#pragma once

#include <functional>
#include <string>

#include "test/support/agent_process.h"

namespace directfaas::bench {

/// Path of a pinned table or ("prog/from_pod") program of the agent's instance.
std::string pinned(const support::AgentProcess& agent, const std::string& name);

/// MiB of the agent's memory, as a line of /proc/PID/status tells: "VmRSS:", "VmHWM:" (the peak).
double memory_mib(const support::AgentProcess& agent, const std::string& label);

/// Percent of one CPU that the agent takes while `work` runs for `seconds`.
double cpu_percent(const support::AgentProcess& agent, double seconds,
                   const std::function<void()>& work);

/// Functions with a ready instance that the agent says it serves.
std::size_t functions_served(const support::AgentProcess& agent);

/// The number behind `label` in a file of "label: number" lines; nothing to be found is an error.
double number_behind(const std::string& path, const std::string& label);

}  // namespace directfaas::bench
