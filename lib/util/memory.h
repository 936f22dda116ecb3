// SPDX-License-Identifier: Apache-2.0
// What large, short-lived work leaves behind in the heap.
#pragma once

namespace directfaas::util {

/// Gives pages of the heap that nothing uses back to the kernel. malloc keeps them otherwise, so
/// that a process stays as large as it has ever been. Takes milliseconds after large work, next to
/// nothing after small; any thread. malloc_trim(3).
void release_free_memory();

}  // namespace directfaas::util
