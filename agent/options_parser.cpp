// SPDX-License-Identifier: Apache-2.0
#include "agent/options_parser.h"

#include "agent/options_text.h"
#include "lib/util/number.h"

namespace directfaas {
namespace {

constexpr std::string_view kUnknownKey = "INI was not able to parse ";  // as CLI11 says it

/// CLI11's help without its empty lines in pairs.
class HelpFormat final : public CLI::Formatter {
   public:
    HelpFormat() { column_width(34); }
    std::string make_help(const CLI::App* app, std::string name,
                          CLI::AppFormatMode mode) const override {
        std::string text = CLI::Formatter::make_help(app, std::move(name), mode);
        for (auto at = text.find("\n\n\n"); at != std::string::npos; at = text.find("\n\n\n")) {
            text.erase(at, 1);
        }
        return text;
    }
};

std::string written(std::chrono::milliseconds time) {
    return time.count() % 1000 == 0 ? fmt::format("{}s", time.count() / 1000)
                                    : fmt::format("{}ms", time.count());
}

}  // namespace

OptionParser::OptionParser(const std::string& description, const std::string& examples)
    : app_(description, "directfaas-agent") {
    app_.formatter(std::make_shared<HelpFormat>());
    app_.footer(examples);
}

CLI::Option* OptionParser::add(const std::string& name, const char* value, const std::string& help,
                               TakeValue take) {
    auto* option = app_.add_option_function<std::vector<std::string>>(
        name,
        [name = name.substr(name.find("--")),
         take = std::move(take)](const std::vector<std::string>& words) {
            for (const auto& word : words) {
                if (const auto wrong = take(word); !wrong.empty()) {
                    throw CLI::ValidationError(name, fmt::format("`{}` {}", word, wrong));
                }
            }
        },
        help);
    return option->option_text(value)->group(group_)->expected(1)->multi_option_policy(
        CLI::MultiOptionPolicy::Throw);
}

void OptionParser::repeatable(const std::string& name, const char* value, const std::string& help,
                              TakeValue take) {
    add(name, value, help, std::move(take))
        ->expected(1, -1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void OptionParser::text(const std::string& name, const char* value, const std::string& help,
                        std::string& target, std::function<bool(const std::string&)> allowed,
                        const char* rule) {
    add(name, value, help, [&target, allowed = std::move(allowed), rule](const auto& word) {
        target = word;
        return allowed(word) ? "" : fmt::format("is not allowed. Allowed: {}", rule);
    });
}

void OptionParser::number(const std::string& name, const std::string& help, std::uint32_t& target,
                          std::uint32_t least, std::uint32_t most) {
    add(name, "N", fmt::format("{} (default {})", help, target),
        [&target, least, most](const auto& word) -> std::string {
            const auto value = util::parse_number<std::uint32_t>(word);
            if (!value || *value < least || *value > most) {
                return fmt::format("is not allowed. Allowed: a number from {} to {}", least, most);
            }
            target = *value;
            return "";
        });
}

void OptionParser::duration(const std::string& name, const std::string& help,
                            std::chrono::milliseconds& target) {
    const bool on = target.count() > 0;  // a time that is not set has no default to show
    add(name, "TIME", on ? fmt::format("{} (default {})", help, written(target)) : help,
        [&target](const auto& word) -> std::string {
            const auto value = parse_duration(word);
            if (!value) {
                return "is no time. Allowed: a whole number and ms, s, m or h, such as 500ms or "
                       "30s, up to 24h";
            }
            target = *value;
            return "";
        });
}

CLI::Option* OptionParser::flag(const std::string& name, const std::string& help, bool& target) {
    return app_.add_flag(name, target, help)->group(group_)->configurable(false)->option_text(" ");
}

void OptionParser::config_file(const std::string& standard) {
    app_.set_config("--config", standard, fmt::format("config file (default {})", standard))
        ->option_text("PATH")
        ->group(group_);
    app_.allow_config_extras(false);
}

void OptionParser::help_and_version(const std::string& version) {
    app_.set_help_flag("-h,--help", "this text")->group(group_);
    app_.set_version_flag("--version", version, "the version")->group(group_);
}

std::expected<void, Stop> OptionParser::parse(std::vector<std::string> arguments) {
    arguments_ = arguments;
    std::ranges::reverse(arguments);  // as CLI11 wants them
    try {
        app_.parse(std::move(arguments));
        return {};
    } catch (const CLI::CallForHelp&) {
        return std::unexpected(Stop{0, app_.help()});
    } catch (const CLI::CallForVersion& version) {
        return std::unexpected(Stop{0, std::string(version.what()) + "\n"});
    } catch (const CLI::ConfigError& error) {
        return std::unexpected(config_mistake(error.what()));
    } catch (const CLI::ValidationError& error) {
        const std::string said = error.what();
        const auto colon = std::min(said.find(": "), said.size());
        return std::unexpected(mistake(origin_of(said.substr(0, colon)) + said.substr(colon)));
    } catch (const CLI::ArgumentMismatch& error) {
        const std::string said = error.what();
        return std::unexpected(
            mistake(fmt::format("{} needs one value", said.substr(0, said.find(':')))));
    } catch (const CLI::FileError&) {
        return std::unexpected(mistake(fmt::format(
            "--config: the file {} cannot be read. Allowed: a readable file", config_path())));
    } catch (const CLI::ParseError& error) {
        return std::unexpected(mistake(error.what()));
    }
}

Stop OptionParser::mistake(const std::string& message) {
    return {2, fmt::format("directfaas-agent: {}\nRun `directfaas-agent --help` for all options.\n",
                           message)};
}

std::string OptionParser::config_path() const { return app_.get_config_ptr()->as<std::string>(); }

/// Where a value that is wrong was written.
std::string OptionParser::origin_of(const std::string& option) const {
    const bool typed = std::ranges::any_of(arguments_, [&option](const auto& word) {
        return word == option || word.starts_with(option + "=");
    });
    const auto* known = app_.get_option_no_throw(option);
    return typed || known == nullptr || !known->get_configurable()
               ? option
               : fmt::format("{}: {}", config_path(), option.substr(2));
}

Stop OptionParser::config_mistake(const std::string& said) const {
    auto key = said.starts_with(kUnknownKey) ? said.substr(kUnknownKey.size())
                                             : said.substr(0, said.find(':'));
    if (key.ends_with(".++")) {  // how CLI11 names the start of a section
        key = "[" + key.substr(0, key.size() - 3) + "]";
    }
    std::vector<std::string> keys;
    for (const auto* option : app_.get_options()) {
        if (option->get_configurable() && !option->get_lnames().empty()) {
            keys.push_back(option->get_lnames().front());
        }
    }
    std::ranges::sort(keys);
    return mistake(fmt::format("{}: `{}` is not a key of the config file. Allowed: {}",
                               config_path(), key, fmt::join(keys, ", ")));
}

}  // namespace directfaas
