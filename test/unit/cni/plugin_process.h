// SPDX-License-Identifier: Apache-2.0
// The real directfaas-cni as a child, with its two outputs apart.
#pragma once

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace directfaas::cni_test {

struct Ran {
    int status = -1;
    std::string out;
    std::string err;
};

inline std::string contents(std::FILE* file) {
    std::string text;
    std::rewind(file);
    for (int byte = std::fgetc(file); byte != EOF; byte = std::fgetc(file)) {
        text.push_back(static_cast<char>(byte));
    }
    std::fclose(file);
    return text;
}

/// Runs it with this environment and nothing else in it.
inline Ran run_plugin(const std::map<std::string, std::string>& environment,
                      const std::string& input) {
    std::FILE* in = std::tmpfile();
    std::FILE* out = std::tmpfile();
    std::FILE* err = std::tmpfile();
    std::fwrite(input.data(), 1, input.size(), in);
    std::rewind(in);
    std::vector<std::string> lines;
    for (const auto& [name, value] : environment) {
        lines.push_back(name + "=" + value);
    }
    std::vector<char*> variables;
    for (auto& line : lines) {
        variables.push_back(line.data());
    }
    variables.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fileno(in), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fileno(err), STDERR_FILENO);
    std::string path = DF_CNI_PATH;
    char* arguments[] = {path.data(), nullptr};
    pid_t child = -1;
    Ran ran;
    if (posix_spawn(&child, path.c_str(), &actions, nullptr, arguments, variables.data()) == 0) {
        int status = 0;
        waitpid(child, &status, 0);
        ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    posix_spawn_file_actions_destroy(&actions);
    std::fclose(in);
    ran.out = contents(out);
    ran.err = contents(err);
    return ran;
}

}  // namespace directfaas::cni_test
