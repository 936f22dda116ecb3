// SPDX-License-Identifier: Apache-2.0
// The socket's place in the file system: made so that only its owner can connect, and so that two
// agents of one name never share it.
#pragma once

#include <string>

#include "lib/util/result.h"
#include "lib/util/unique_fd.h"

namespace directfaas::control {

/// A listening unix socket that is removed from the file system at the end.
class SocketFile {
   public:
    /// Takes `path` for this process: makes its directory, replaces the socket of an agent that is
    /// dead, refuses if one lives ("another agent ... is running, pid N") or if the path is taken
    /// by something else. Mode 0600. A lock beside it (`path` + ".lock") is held for life.
    static util::Result<SocketFile> listen_at(const std::string& path);
    SocketFile(SocketFile&&) noexcept = default;
    SocketFile& operator=(SocketFile&&) = delete;
    ~SocketFile();

    [[nodiscard]] int fd() const { return socket_.get(); }

   private:
    SocketFile(std::string path, util::UniqueFd lock, util::UniqueFd socket);

    std::string path_;
    util::UniqueFd lock_;
    util::UniqueFd socket_;
};

}  // namespace directfaas::control
