// SPDX-License-Identifier: Apache-2.0
#include "cni-plugin/process.h"
#include "cni-plugin/verbs.h"

int main() {
    namespace cni = directfaas::cni;
    return cni::run_process("directfaas-cni", [](const cni::Call& call, std::string_view input) {
        return cni::run(call, input);
    });
}
