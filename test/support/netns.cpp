// SPDX-License-Identifier: Apache-2.0
// A namespace is made by a thread that unshares and then bind-mounts its own /proc entry, as
// ip-netns(8) does, but without a process for each.
#include "test/support/netns.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if.h>
#include <linux/ipv6_route.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>

#include "lib/util/number.h"
#include "test/support/command.h"
#include "test/support/wait.h"

namespace directfaas::support {
namespace {

constexpr const char* kFolder = "/run/netns";

void write_file(const std::string& path, const std::string& text) {
    std::ofstream file(path);
    file << text;
    file.close();
    if (!file) {
        throw_errno("write '" + text + "' to " + path);
    }
}

/// As `ip link set lo up`, without a process.
void loopback_up() {
    const util::UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    ifreq request{};
    std::strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
    request.ifr_flags = IFF_UP;
    if (::ioctl(fd.get(), SIOCSIFFLAGS, &request) != 0) {
        throw_errno("set lo up");
    }
}

void remove_namespace(const std::string& name) {
    const std::string path = std::string(kFolder) + "/" + name;
    ::umount2(path.c_str(), MNT_DETACH);
    ::unlink(path.c_str());
}

/// /proc/net/snmp: pairs of lines "Group: names" and "Group: values".
long from_snmp(const std::string& group, const std::string& counter) {
    std::ifstream file("/proc/thread-self/net/snmp");
    for (std::string names, values; std::getline(file, names) && std::getline(file, values);) {
        std::istringstream name(names);
        std::istringstream value(values);
        std::string name_word;
        std::string value_word;
        name >> name_word;
        value >> value_word;
        if (name_word != group + ":") {
            continue;
        }
        while (name >> name_word && value >> value_word) {
            if (name_word == counter) {
                return std::stol(value_word);
            }
        }
    }
    throw SupportError(fmt::format("no counter {} {}", group, counter));
}

/// /proc/net/snmp6: one "NameCounter value" a line.
long from_snmp6(const std::string& name) {
    std::ifstream file("/proc/thread-self/net/snmp6");
    std::string word;
    for (long value = 0; file >> word >> value;) {
        if (word == name) {
            return value;
        }
    }
    throw SupportError("no counter " + name);
}

/// /proc/net/ipv6_route: ten words a line, numbers in hex; the first is a destination, the ninth
/// its flags.
bool delivers_to(const util::IpAddress& v6) {
    const std::string destination = fmt::format("{:02x}", fmt::join(v6.bytes(), ""));
    std::ifstream file("/proc/thread-self/net/ipv6_route");
    for (std::string line; std::getline(file, line);) {
        std::istringstream in(line);
        const std::vector<std::string> words{std::istream_iterator<std::string>(in), {}};
        if (words.size() == 10 && words[0] == destination) {
            const auto flags = util::parse_number<std::uint32_t>(words[8], 16);
            if (flags && (*flags & RTF_LOCAL) != 0) {
                return true;
            }
        }
    }
    return false;
}

}  // namespace

void throw_errno(const std::string& what) {
    const int code = errno;
    throw SupportError(what + ": " + std::strerror(code));
}

Netns::Netns(std::string name) : name_(std::move(name)) {
    ::mkdir(kFolder, 0755);
    const std::string path = std::string(kFolder) + "/" + name_;
    const util::UniqueFd mount_point{
        ::open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0)};
    if (!mount_point.valid()) {
        throw_errno("create " + path);
    }
    run_on_thread([&] {
        if (::unshare(CLONE_NEWNET) != 0) {
            throw_errno("unshare (root is needed)");
        }
        if (::mount("/proc/thread-self/ns/net", path.c_str(), "none", MS_BIND, nullptr) != 0) {
            throw_errno("mount " + path);
        }
    });
    fd_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd_.valid()) {
        throw_errno("open " + path);
    }
    run(loopback_up);
}

Netns::~Netns() {
    if (fd_.valid()) {
        remove_namespace(name_);
    }
}

void Netns::enter() const {
    if (::setns(fd_.get(), CLONE_NEWNET) != 0) {
        throw_errno("enter namespace " + name_);
    }
}

void Netns::sysctl(const std::vector<std::pair<std::string, std::string>>& settings) const {
    run([&] {
        for (const auto& [key, value] : settings) {
            write_file("/proc/sys/net/" + key, value);
        }
    });
}

void Netns::ip(const std::vector<std::string>& lines) const {
    const std::string input = fmt::format("{}\n", fmt::join(lines, "\n"));
    const CommandResult result =
        run_command({"ip", "-batch", "-"}, {.netns = fd_.get(), .input = input});
    if (result.status != 0) {
        throw SupportError(fmt::format("ip -batch in {}: {}{}", name_, result.output, input));
    }
}

void Netns::wait_until_up(const std::string& link) const {
    run([&] {
        const std::unique_ptr<nl_sock, decltype(&nl_socket_free)> socket(nl_socket_alloc(),
                                                                         nl_socket_free);
        const bool up = nl_connect(socket.get(), NETLINK_ROUTE) == 0 && wait_until([&] {
                            rtnl_link* found = nullptr;
                            if (rtnl_link_get_kernel(socket.get(), 0, link.c_str(), &found) != 0) {
                                return false;
                            }
                            const bool ready = rtnl_link_get_operstate(found) == IF_OPER_UP;
                            rtnl_link_put(found);
                            return ready;
                        });
        if (!up) {
            throw SupportError(fmt::format("{} in {} does not come up", link, name_));
        }
    });
}

void Netns::wait_until_delivered(const util::IpAddress& v6) const {
    if (!run([&] { return wait_until([&] { return delivers_to(v6); }); })) {
        throw SupportError(fmt::format("{} in {} gets no local route", v6.text(), name_));
    }
}

long Netns::snmp(const std::string& group, const std::string& counter) const {
    return run([&] {
        return group.ends_with('6') ? from_snmp6(group + counter) : from_snmp(group, counter);
    });
}

std::string unique_prefix() {
    static std::atomic<int> serial{0};
    return fmt::format("df{}-{}", ::getpid(), ++serial);
}

void remove_leftover_namespaces() {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(kFolder, ignored)) {
        const std::string name = entry.path().filename().string();
        int process = 0;
        int serial = 0;
        if (std::sscanf(name.c_str(), "df%d-%d-", &process, &serial) == 2 &&
            ::kill(process, 0) != 0 && errno == ESRCH) {
            remove_namespace(name);
        }
    }
}

}  // namespace directfaas::support
