// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace directfaas::cli {

bool Output::write(std::string_view text) {
    while (failure_ == 0 && !text.empty()) {
        const auto written = ::write(fd_, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            pollfd wait{fd_, POLLOUT, 0};  // a terminal shared with a non-blocking program
            ::poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            failure_ = errno;
        }
    }
    return failure_ == 0;
}

}  // namespace directfaas::cli
