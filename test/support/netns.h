// SPDX-License-Identifier: Apache-2.0
// Network namespaces, named so that `ip netns` shows them and a later run can remove what a
// crashed one left. Failure throws SupportError, which GoogleTest reports as the test's failure.
#pragma once

#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "lib/util/address.h"
#include "lib/util/unique_fd.h"

namespace directfaas::support {

/// The test's own machinery failed: not a finding about the switch.
class SupportError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// SupportError with errno's text appended.
[[noreturn]] void throw_errno(const std::string& what);

/// Runs `function` on a thread of its own and returns its value or throws its exception.
template <typename Function>
auto run_on_thread(Function function) -> std::invoke_result_t<Function> {
    using Value = std::invoke_result_t<Function>;
    std::exception_ptr error;
    if constexpr (std::is_void_v<Value>) {
        std::thread([&] {
            try {
                function();
            } catch (...) {
                error = std::current_exception();
            }
        }).join();
        if (error) {
            std::rethrow_exception(error);
        }
    } else {
        std::optional<Value> value;
        std::thread([&] {
            try {
                value.emplace(function());
            } catch (...) {
                error = std::current_exception();
            }
        }).join();
        if (error) {
            std::rethrow_exception(error);
        }
        return std::move(*value);
    }
}

/// A network namespace that lives as long as the object.
class Netns {
   public:
    /// Creates the namespace, mounted at /run/netns/`name`.
    explicit Netns(std::string name);
    Netns(Netns&&) noexcept = default;
    Netns& operator=(Netns&&) = delete;
    ~Netns();

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] int fd() const { return fd_.get(); }

    /// Moves the calling thread into the namespace, for good: call it on a thread of your own.
    void enter() const;
    /// Runs `function` on a thread inside. Sockets it opens stay inside wherever they are used.
    template <typename Function>
    auto run(Function function) const -> std::invoke_result_t<Function> {
        return run_on_thread([&] {
            enter();
            return function();
        });
    }
    /// Writes /proc/sys/net/`key` ("ipv4/ip_forward") inside.
    void sysctl(const std::vector<std::pair<std::string, std::string>>& settings) const;
    /// Runs `ip -batch` with these lines inside. Throws with its output if one fails.
    void ip(const std::vector<std::string>& lines) const;
    /// Waits until the kernel has looked at a link that was set up just now
    /// (net/core/link_watch.c): until then it has no queue and swallows what is sent. Throws if
    /// that never happens.
    void wait_until_up(const std::string& link) const;
    /// Waits until packets to this IPv6 address are this namespace's own: the kernel makes that
    /// route in a work queue after the link came up, even for an address without duplicate address
    /// detection (net/ipv6/addrconf.c, addrconf_dad_work). Throws if that never happens.
    void wait_until_delivered(const util::IpAddress& v6) const;
    /// Counter of /proc/net/snmp inside ("Tcp", "PassiveOpens") or snmp6 ("Ip6", "FragFails").
    [[nodiscard]] long snmp(const std::string& group, const std::string& counter) const;

   private:
    std::string name_;
    util::UniqueFd fd_;
};

/// "df<process>-<serial>": starts every name this process gives to namespaces and instances.
std::string unique_prefix();
/// Removes namespaces of test processes that no longer exist.
void remove_leftover_namespaces();

}  // namespace directfaas::support
