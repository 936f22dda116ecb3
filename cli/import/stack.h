// SPDX-License-Identifier: Apache-2.0
// OpenFaaS's stack file: what it says about who is called by whom. How functions are built and
// deployed stays OpenFaaS's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/model/objects.h"

namespace directfaas::cli {

struct StackFunction {
    struct Call {
        std::string callee;
        int line = 0;
        std::string variable;     // of the environment that says so; empty: the annotation does
        bool by_gateway = false;  // the variable's URL leads through OpenFaaS's gateway
    };
    std::string name;
    std::string name_space;
    bool ingress = true;          // OpenFaaS's gateway may call every function
    std::string scale_from_zero;  // "Direct", "Metrics"; empty: Disabled
    std::vector<Call> calls;
    model::SourceLine where;
};

struct Stack {
    std::vector<StackFunction> functions;  // in the order of the files
    std::vector<model::Problem> problems;  // error: something is left out; warning: worth knowing
};

/// Adds what `text`, the content of `file`, says to `stack`. `name_space` is that of functions for
/// which the file names none. A file that is no stack file at all is an error among the problems.
void read_stack(const std::string& file, std::string_view text, const std::string& name_space,
                Stack& stack);

/// Names behind "/function/" and host names in a URL that may be functions, as `name` or
/// `name.namespace`.
struct NamedByUrl {
    std::string name;
    std::string name_space;  // empty: not said
    bool by_gateway = false;
};
std::vector<NamedByUrl> functions_in_url(std::string_view text);

}  // namespace directfaas::cli
