// SPDX-License-Identifier: Apache-2.0
// CLI11 with our own checks and words: every mistake names the option or the line's key, the value
// and what is allowed.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "agent/options.h"

namespace directfaas {

/// Takes one value; returns what is wrong with it, nothing if it is fine.
using TakeValue = std::function<std::string(const std::string& text)>;

class OptionParser {
   public:
    OptionParser(const std::string& description, const std::string& examples);

    /// Title of the options that are added next.
    void group(std::string title) { group_ = std::move(title); }
    CLI::Option* add(const std::string& name, const char* value, const std::string& help,
                     TakeValue take);
    /// Like add(), but may be given several times.
    void repeatable(const std::string& name, const char* value, const std::string& help,
                    TakeValue take);
    void text(const std::string& name, const char* value, const std::string& help,
              std::string& target, std::function<bool(const std::string&)> allowed,
              const char* rule);
    void number(const std::string& name, const std::string& help, std::uint32_t& target,
                std::uint32_t least, std::uint32_t most);
    void duration(const std::string& name, const std::string& help,
                  std::chrono::milliseconds& target);
    template <typename Value>
    CLI::Option* choice(const std::string& name, const std::string& help, Value& target,
                        std::vector<std::pair<std::string, Value>> choices);
    /// A switch without value, not allowed in the config file.
    CLI::Option* flag(const std::string& name, const std::string& help, bool& target);
    void config_file(const std::string& standard);
    void help_and_version(const std::string& version);

    /// Reads arguments, then the config file for what they leave open.
    std::expected<void, Stop> parse(std::vector<std::string> arguments);
    [[nodiscard]] static Stop mistake(const std::string& message);

   private:
    [[nodiscard]] Stop config_mistake(const std::string& said) const;
    [[nodiscard]] std::string origin_of(const std::string& option) const;
    [[nodiscard]] std::string config_path() const;

    CLI::App app_;
    std::string group_;
    std::vector<std::string> arguments_;
};

template <typename Value>
CLI::Option* OptionParser::choice(const std::string& name, const std::string& help, Value& target,
                                  std::vector<std::pair<std::string, Value>> choices) {
    return add(name, "WORD", help, [&target, choices = std::move(choices)](const auto& word) {
        std::vector<std::string> words;
        for (const auto& [text, value] : choices) {
            words.push_back(text);
            if (text == word) {
                target = value;
                return std::string();
            }
        }
        return fmt::format("is not known. Allowed: {}", fmt::join(words, ", "));
    });
}

}  // namespace directfaas
