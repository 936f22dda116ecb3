// SPDX-License-Identifier: Apache-2.0
#include "bench/event_tap.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace directfaas::bench {
namespace {

/// What /proc/PID/fd calls the sockets of a process: "socket:[INODE]".
std::set<std::string> sockets_of(pid_t process) {
    std::set<std::string> sockets;
    for (const auto& entry :
         std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", process))) {
        std::error_code gone;
        sockets.insert(std::filesystem::read_symlink(entry.path(), gone).string());
    }
    return sockets;
}

/// Local ports of a process's IPv4 connections to `server_port`, from /proc/net/tcp.
std::set<std::uint16_t> connections_of(pid_t process, std::uint16_t server_port) {
    const auto sockets = sockets_of(process);
    std::set<std::uint16_t> ports;
    std::ifstream table(fmt::format("/proc/{}/net/tcp", process));
    std::string line;
    std::getline(table, line);  // the heading
    while (std::getline(table, line)) {
        std::istringstream words(line);
        std::string word;
        std::string local;
        std::string remote;
        std::string inode;
        words >> word >> local >> remote;
        for (int skipped = 0; skipped < 6; ++skipped) {
            words >> word;
        }
        words >> inode;
        const auto port = [](const std::string& place) {
            return static_cast<std::uint16_t>(
                std::stoul(place.substr(place.find(':') + 1), {}, 16));
        };
        if (port(remote) == server_port && sockets.contains(fmt::format("socket:[{}]", inode))) {
            ports.insert(port(local));
        }
    }
    return ports;
}

}  // namespace

EventTap::EventTap(pid_t agent, int server_port)
    : tap_("lo"),
      server_port_(static_cast<std::uint16_t>(server_port)),
      connections_(connections_of(agent, server_port_)) {
    if (connections_.empty()) {
        throw std::runtime_error("the agent has no connection to the apiserver");
    }
}

void EventTap::begin() {
    while (tap_.take()) {
    }
}

void EventTap::end(Clock::time_point in_force) {
    Change change{.in_force = in_force, .arrivals = {}};
    while (const auto seen = tap_.take()) {
        if (seen->source_port == server_port_ && seen->payload > 0 && seen->at <= in_force &&
            connections_.contains(seen->destination_port)) {
            change.arrivals[seen->destination_port] = seen->at;
        }
    }
    changes_.push_back(std::move(change));
}

std::vector<double> EventTap::after_event() const {
    auto watches = connections_;
    for (const auto& change : changes_) {
        std::erase_if(watches, [&](auto port) { return !change.arrivals.contains(port); });
    }
    if (watches.size() != 1) {
        throw std::runtime_error(fmt::format(
            "{} of the agent's {} connections had something at each of {} changes: which is the "
            "watch cannot be told",
            watches.size(), connections_.size(), changes_.size()));
    }
    std::vector<double> all;
    for (const auto& change : changes_) {
        const auto took = change.in_force - change.arrivals.at(*watches.begin());
        all.push_back(std::chrono::duration<double, std::milli>(took).count());
    }
    return all;
}

}  // namespace directfaas::bench
