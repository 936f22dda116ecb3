// SPDX-License-Identifier: Apache-2.0
// Completion scripts. Generated from the definition of the command line, so they cannot lag behind.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/command_line.h"
#include "cli/options.h"

namespace directfaas::cli {
namespace {

using Flags = std::vector<FlagDescription>;

std::string words_of(const Flags& flags) {
    std::string words;
    for (const auto& flag : flags) {
        words += fmt::format("{} ", fmt::join(flag.names, " "));
    }
    return words;
}

/// What follows a flag, as branches of bash's `case $previous`.
std::string bash_values(const Flags& flags) {
    std::string branches;
    for (const auto& flag : flags) {
        const auto names = fmt::format("{}", fmt::join(flag.names, "|"));
        if (!flag.choices.empty()) {
            branches +=
                fmt::format("        {}) words='{}' ;;\n", names, fmt::join(flag.choices, " "));
        } else if (flag.takes_path) {
            branches += fmt::format(
                "        {}) COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n", names);
        } else if (flag.takes_value) {
            branches += fmt::format("        {}) return ;;\n", names);
        }
    }
    return branches;
}

std::string bash_script(const CommandLine& line) {
    std::vector<std::string> names;
    std::string by_command;
    for (const auto& command : line.commands) {
        names.push_back(command.name);
        auto values = bash_values(command.flags);
        if (command.takes_paths) {
            values +=
                "        -*) ;;\n"
                "        *) [[ $current == -* ]] || { COMPREPLY=($(compgen -f -- \"$current\")); "
                "return; } ;;\n";
        }
        by_command += fmt::format("    {})\n        words='{}{}'\n", command.name,
                                  words_of(command.flags), fmt::join(command.choices, " "));
        by_command += values.empty()
                          ? "        ;;\n"
                          : fmt::format("        case $previous in\n{}        esac ;;\n", values);
    }
    return fmt::format(
        "# bash completion of dfctl: source <(dfctl completion bash)\n"
        "_dfctl() {{\n"
        "    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}}\n"
        "    local command= word words\n"
        "    for word in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n"
        "        case $word in {}) command=$word; break ;; esac\n"
        "    done\n"
        "    case $command in\n"
        "    '') words='{}' ;;\n"
        "{}"
        "    esac\n"
        "    [[ -n $command || $current == -* ]] && words+=' {}'\n"
        "    case $previous in\n"
        "{}"
        "    esac\n"
        "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
        "}}\n"
        "complete -F _dfctl dfctl\n",
        fmt::join(names, "|"), fmt::join(names, " "), by_command, words_of(line.global),
        bash_values(line.global));
}

/// Text inside single quotes and, for zsh, inside brackets.
std::string zsh_text(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\'') {
            out += "'\\''";
        } else if (c == '[' || c == ']' || c == ':') {
            out += '\\';
            out += c;
        } else {
            out += c;
        }
    }
    return out;
}

std::string zsh_flags(const Flags& flags) {
    std::string text;
    for (const auto& flag : flags) {
        std::string value;
        if (!flag.choices.empty()) {
            value = fmt::format(":value:({})", fmt::join(flag.choices, " "));
        } else if (flag.takes_value) {
            value = flag.takes_path ? ":path:_files" : ":value:";
        }
        for (const auto& name : flag.names) {
            text += fmt::format(" '*{}[{}]{}'", name, zsh_text(flag.help), value);
        }
    }
    return text;
}

std::string zsh_script(const CommandLine& line) {
    std::string commands;
    std::string by_command;
    for (const auto& command : line.commands) {
        commands += fmt::format("        '{}:{}'\n", command.name, zsh_text(command.help));
        const auto argument = command.takes_paths ? std::string(" '*:file:_files'")
                              : command.choices.empty()
                                  ? std::string()
                                  : fmt::format(" ':value:({})'", fmt::join(command.choices, " "));
        by_command += fmt::format("        {}) _arguments $global{}{} ;;\n", command.name,
                                  zsh_flags(command.flags), argument);
    }
    return fmt::format(
        "#compdef dfctl\n"
        "_dfctl() {{\n"
        "    local curcontext=$curcontext state line\n"
        "    local -a global commands\n"
        "    global=({} )\n"
        "    commands=(\n{}    )\n"
        "    _arguments -C $global '1:command:->command' '*::argument:->argument' && return\n"
        "    case $state in\n"
        "    command) _describe command commands ;;\n"
        "    argument)\n"
        "        case $words[1] in\n"
        "{}"
        "        esac ;;\n"
        "    esac\n"
        "}}\n"
        "if [ \"$funcstack[1]\" = _dfctl ]; then _dfctl; else compdef _dfctl dfctl; fi\n",
        zsh_flags(line.global), commands, by_command);
}

std::string fish_text(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
    return out;
}

std::string fish_flags(const Flags& flags, const std::string& condition) {
    std::string text;
    for (const auto& flag : flags) {
        text += "complete -c dfctl" + condition;
        for (const auto& name : flag.names) {
            text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
        }
        if (!flag.choices.empty()) {
            text += fmt::format(" -x -a '{}'", fmt::join(flag.choices, " "));
        } else if (flag.takes_value) {
            text += flag.takes_path ? " -r -F" : " -x";
        }
        text += fmt::format(" -d '{}'\n", fish_text(flag.help));
    }
    return text;
}

std::string fish_script(const CommandLine& line) {
    std::string text =
        "# fish completion of dfctl\ncomplete -c dfctl -f\n" + fish_flags(line.global, "");
    for (const auto& command : line.commands) {
        text += fmt::format("complete -c dfctl -n __fish_use_subcommand -a {} -d '{}'\n",
                            command.name, fish_text(command.help));
        const auto seen = fmt::format(" -n '__fish_seen_subcommand_from {}'", command.name);
        text += fish_flags(command.flags, seen);
        if (command.takes_paths) {
            text += fmt::format("complete -c dfctl{} -F\n", seen);
        }
        if (!command.choices.empty()) {
            text +=
                fmt::format("complete -c dfctl{} -a '{}'\n", seen, fmt::join(command.choices, " "));
        }
    }
    return text;
}

}  // namespace

std::string completion_script(Shell shell) {
    const auto line = describe_command_line();
    switch (shell) {
        case Shell::kBash:
            return bash_script(line);
        case Shell::kZsh:
            return zsh_script(line);
        case Shell::kFish:
            return fish_script(line);
    }
    return {};
}

}  // namespace directfaas::cli
