// SPDX-License-Identifier: Apache-2.0
#include "cni-plugin/ovs/netns.h"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "lib/util/result.h"

namespace directfaas::cni::ovs {
std::expected<util::UniqueFd, std::string> open_netns(const std::string& path) {
    util::UniqueFd space(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!space.valid()) {
        return std::unexpected(util::with_errno("open the container's network namespace " + path));
    }
    return space;
}

std::expected<void, std::string> in_netns(
    int netns, const std::function<std::expected<void, std::string>()>& work) {
    const util::UniqueFd own(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!own.valid() || setns(netns, CLONE_NEWNET) != 0) {
        return std::unexpected(util::with_errno("enter the container's network namespace"));
    }
    auto done = work();
    if (setns(own.get(), CLONE_NEWNET) != 0) {
        std::abort();  // whatever came now would be done to the wrong namespace
    }
    return done;
}

}  // namespace directfaas::cni::ovs
