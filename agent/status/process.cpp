// SPDX-License-Identifier: Apache-2.0
#include "agent/status/process.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace directfaas::status {
namespace {

/// Seconds since the epoch at which the machine was started.
double boot_time() {
    std::ifstream file("/proc/stat");
    for (std::string word; file >> word;) {
        if (word == "btime") {
            double seconds = 0;
            file >> seconds;
            return seconds;
        }
    }
    return 0;
}

}  // namespace

ProcessFigures read_process() {
    // proc(5): the name in parentheses may hold anything; field 3 follows the last one.
    std::ifstream file("/proc/self/stat");
    std::string line;
    std::getline(file, line);
    std::istringstream fields(line.substr(line.rfind(')') + 1));
    constexpr int kUserTime = 14;
    constexpr int kSystemTime = 15;
    constexpr int kStartTime = 22;
    constexpr int kResident = 24;
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    ProcessFigures figures;
    std::string field;
    for (int number = 3; number <= kResident && fields >> field; ++number) {
        if (number == kUserTime || number == kSystemTime) {
            figures.cpu_seconds += std::stod(field) / ticks;
        } else if (number == kStartTime) {
            figures.start_time = boot_time() + std::stod(field) / ticks;
        } else if (number == kResident) {
            figures.resident_bytes = std::stod(field) * static_cast<double>(sysconf(_SC_PAGESIZE));
        }
    }
    return figures;
}

}  // namespace directfaas::status
