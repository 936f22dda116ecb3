// SPDX-License-Identifier: Apache-2.0
// Runs `kubectl directfaas` with a kubectl of the test's own in PATH: a shell script whose branches
// the test writes. Real agents answer on a real cluster (test/cluster/e2e); here they fail.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "test/unit/cli/command_fixture.h"

namespace directfaas::cli {

class PluginTest : public CommandTest {
   protected:
    void SetUp() override {
        CommandTest::SetUp();
        path_ = std::getenv("PATH");
        ::setenv("PATH", (run_.path() + ":" + path_).c_str(), 1);
    }
    void TearDown() override { ::setenv("PATH", path_.c_str(), 1); }

    /// A branch of the script: when the words match the shell pattern, run the commands.
    void when(const std::string& pattern, const std::string& commands) {
        std::string quoted;
        for (const char c : "*" + pattern + "*") {
            quoted += c == '*' ? std::string("\"*\"") : std::string(1, c);
        }
        branches_ += "\"" + quoted + "\") " + commands + " ;;\n";
        const auto file = run_.path() + "/kubectl";
        std::ofstream(file) << "#!/bin/sh\necho \"$*\" >> '" << run_.path()
                            << "/asked'\ncase \"$*\" in\n"
                            << branches_ << "*) echo \"unexpected: $*\" >&2; exit 1 ;;\nesac\n";
        std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    }
    /// Agents on node-1 ... node-`count`, in pods agent-1 ...
    void agents(int count) {
        std::string items;
        for (int i = 1; i <= count; ++i) {
            const auto number = std::to_string(i);
            items += (i == 1 ? "" : ",") + (R"({"metadata":{"name":"agent-)" + number +
                                            R"("},"spec":{"nodeName":"node-)" + number +
                                            R"("},"status":{"phase":"Running"}})");
        }
        when("get pods --selector", print(R"({"items":[)" + items + "]}"));
    }
    /// The agent's pod answers this to `words`.
    void answers(int agent, const std::string& words, const std::string& text) {
        when("exec pod/agent-" + std::to_string(agent) + " *" + words, print(text));
    }
    /// Commands that print `text`.
    static std::string print(const std::string& text) { return "cat <<'END'\n" + text + "\nEND\n"; }
    /// Commands for a node that never answers.
    static constexpr const char* kSilence = "exec tail -f /dev/null";
    static constexpr const char* kForbidden =
        "echo 'Error from server (Forbidden): pods \"agent-3\" is forbidden: User \"u\" cannot "
        "create resource \"pods/exec\" in the namespace \"directfaas-system\"' >&2; exit 1";

    Ended plugin(const std::vector<std::string>& words) {
        const auto options = parse_options(words, Program::kPlugin);
        if (!options) {
            return {options.error().exit, "", options.error().text};
        }
        Output out(out_.fd());
        Output err(err_.fd());
        World world{out,       err,       run_.path(),
                    {},        {},        program_,
                    validate_, patience_, program_name(Program::kPlugin)};
        const int exit = run(*options, world);
        return {exit, out_.text(), err_.text()};
    }
    /// What kubectl was asked, a command a line.
    [[nodiscard]] std::string asked() const {
        std::stringstream text;
        text << std::ifstream(run_.path() + "/asked").rdbuf();
        return text.str();
    }

    std::string path_;
    std::string branches_;
};

}  // namespace directfaas::cli
