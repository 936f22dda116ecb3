// SPDX-License-Identifier: Apache-2.0
#include "bench/program.h"

#include <cstdio>
#include <stdexcept>
#include <string>

#include "bench/private_world.h"

namespace directfaas::bench {

void require(const util::Result<void>& done) {
    if (!done) {
        throw std::runtime_error(done.error().text());
    }
}

unsigned argument(int argc, char** argv, int index, unsigned otherwise) {
    return argc > index ? static_cast<unsigned>(std::stoul(argv[index])) : otherwise;
}

int run_program(const char* name, const std::function<Samples()>& measure) {
    try {
        require(enter_private_world());
        std::puts(measure().json().c_str());
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", name, error.what());
        return 1;
    }
}

}  // namespace directfaas::bench
