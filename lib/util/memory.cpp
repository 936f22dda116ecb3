// SPDX-License-Identifier: Apache-2.0
#include "lib/util/memory.h"

#include <malloc.h>

namespace directfaas::util {

void release_free_memory() { malloc_trim(0); }

}  // namespace directfaas::util
