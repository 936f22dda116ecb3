// SPDX-License-Identifier: Apache-2.0
#include "cni-plugin/ovs/verbs.h"
#include "cni-plugin/process.h"

int main() {
    namespace cni = directfaas::cni;
    return cni::run_process("directfaas-ovs", [](const cni::Call& call, std::string_view input) {
        return cni::ovs::run(call, input);
    });
}
