// SPDX-License-Identifier: Apache-2.0
// The capabilities (capabilities(7)) that this backend cannot do without.
#pragma once

#include <string>

namespace directfaas::backend::ebpf {

/// Those that the calling thread lacks, "CAP_BPF, CAP_NET_RAW"; empty if it has all.
std::string missing_capabilities();

}  // namespace directfaas::backend::ebpf
