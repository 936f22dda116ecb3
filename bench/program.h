// SPDX-License-Identifier: Apache-2.0
// What every benchmark program is around its measurement.
#pragma once

#include <functional>

#include "bench/samples.h"
#include "lib/util/result.h"

namespace directfaas::bench {

/// Enters a private world, prints the samples of `measure` for bench/run, and returns the exit
/// status. What is thrown goes to standard error behind the program's name.
int run_program(const char* name, const std::function<Samples()>& measure);

/// Throws std::runtime_error with the error's text.
void require(const util::Result<void>& done);

/// A positional argument as a number, or `otherwise` if it is not given.
unsigned argument(int argc, char** argv, int index, unsigned otherwise);

}  // namespace directfaas::bench
