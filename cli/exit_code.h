// SPDX-License-Identifier: Apache-2.0
// What dfctl's exit status means. Scripts rely on these numbers: they never change meaning.
#pragma once

#include <string>

namespace directfaas::cli {

enum ExitCode : int {
    kExitFine = 0,
    kExitNo = 1,       // the question was answered, and the answer is "no"
    kExitUsage = 2,    // the command line is wrong, or several instances and none was named
    kExitNoAgent = 3,  // no agent, no permission to ask it, or it went away before it answered
    kExitRefused = 4,  // the agent answered with an error
    kExitPartly = 5,   // of several nodes some gave no answer; what the others said was printed
};

/// Why a command ended without an answer: what the user sees on standard error.
struct Failure {
    ExitCode exit = kExitRefused;
    std::string message;  // what happened, one sentence without a full stop
    std::string advice;   // what to do; may have several lines; empty: nothing useful to say
    std::string code;     // the agent's own code ("not_found"), empty if it is not the agent's
    bool absent = false;  // no agent runs, as opposed to one that cannot be asked
};

}  // namespace directfaas::cli
