// SPDX-License-Identifier: Apache-2.0
// What kubectl asks kubectl_complete-directfaas: words that may follow, and a number that says what
// else may.
#include <algorithm>

#include "cli/command_line.h"
#include "cli/options.h"

namespace directfaas::cli {
namespace {

// Of kubectl's completion: files may follow; nothing else may.
constexpr const char* kFilesToo = ":0\n";
constexpr const char* kNothingElse = ":4\n";

const FlagDescription* flag_called(const std::vector<FlagDescription>& flags,
                                   const std::string& name) {
    const auto found = std::ranges::find_if(flags, [&name](const FlagDescription& flag) {
        return std::ranges::find(flag.names, name) != flag.names.end();
    });
    return found == flags.end() ? nullptr : &*found;
}

std::string lines_of(const std::vector<std::string>& candidates, const std::string& begun) {
    std::string text;
    for (const auto& candidate : candidates) {
        if (candidate.starts_with(begun)) {
            text += candidate + "\n";
        }
    }
    return text;
}

void add_flags(const std::vector<FlagDescription>& flags, std::vector<std::string>& candidates) {
    for (const auto& flag : flags) {
        candidates.insert(candidates.end(), flag.names.begin(), flag.names.end());
    }
}

}  // namespace

std::string plugin_completion(const std::vector<std::string>& words) {
    const auto line = describe_command_line(Program::kPlugin);
    const std::string begun = words.empty() ? "" : words.back();
    const std::string before = words.size() < 2 ? "" : words[words.size() - 2];
    const CommandDescription* command = nullptr;
    for (std::size_t i = 0; i + 1 < words.size() && command == nullptr; ++i) {
        const auto found = std::ranges::find(line.commands, words[i], &CommandDescription::name);
        command = found == line.commands.end() ? nullptr : &*found;
    }
    const auto* flag = command == nullptr ? nullptr : flag_called(command->flags, before);
    flag = flag == nullptr ? flag_called(line.global, before) : flag;
    if (flag != nullptr && flag->takes_value) {
        return lines_of(flag->choices, begun) + (flag->takes_path ? kFilesToo : kNothingElse);
    }
    std::vector<std::string> candidates;
    if (begun.starts_with('-')) {
        add_flags(line.global, candidates);
        if (command != nullptr) {
            add_flags(command->flags, candidates);
        }
    } else if (command == nullptr) {
        candidates.reserve(line.commands.size());
        for (const auto& each : line.commands) {
            candidates.push_back(each.name);
        }
    } else {
        candidates = command->choices;
    }
    const bool files = command != nullptr && command->takes_paths;
    return lines_of(candidates, begun) + (files ? kFilesToo : kNothingElse);
}

}  // namespace directfaas::cli
