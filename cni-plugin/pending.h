// SPDX-License-Identifier: Apache-2.0
// What could not be told to an agent that was away: one file for each attachment, beside its
// socket. The agent takes them up when it is back.
#pragma once

#include <expected>
#include <string>

#include "cni-plugin/call.h"

namespace directfaas::cni {

inline constexpr unsigned kMaxPending = 1024;

/// "<socket>.pending"; agent/cni/pending.h names the same place.
std::string pending_dir(const std::string& socket);

/// Writes `request` as the latest word about this attachment, replacing an earlier one. Refuses
/// when kMaxPending other attachments wait already. An error is one sentence.
std::expected<void, std::string> leave_pending(const std::string& socket, const Call& call,
                                               const Json& request);

}  // namespace directfaas::cni
