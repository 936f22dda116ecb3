// SPDX-License-Identifier: Apache-2.0
#include "lib/kube/json_text.h"

#include <nlohmann/json.hpp>

#include "lib/util/number.h"

namespace directfaas::kube::json {
namespace {

/// Eats the text from its front.
class Scanner {
   public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    bool eat(char wanted) {
        skip_blanks();
        const bool there = rest_.starts_with(wanted);
        rest_.remove_prefix(there ? 1 : 0);
        return there;
    }

    /// With its quotes.
    std::optional<std::string_view> eat_string() {
        skip_blanks();
        if (!rest_.starts_with('"')) {
            return std::nullopt;
        }
        return eat_bytes(end_of_string(0));
    }

    std::optional<std::string_view> eat_value() {
        skip_blanks();
        if (rest_.empty()) {
            return std::nullopt;
        }
        switch (rest_.front()) {
            case '"':
                return eat_string();
            case '{':
            case '[':
                return eat_bytes(end_of_nested());
            default:
                return eat_bytes(rest_.find_first_of(",]} \t\r\n"));
        }
    }

   private:
    static constexpr auto kNone = std::string_view::npos;

    void skip_blanks() {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
    }

    std::optional<std::string_view> eat_bytes(std::size_t count) {
        if (count == kNone || count == 0) {
            return std::nullopt;
        }
        const auto eaten = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return eaten;
    }

    /// Behind the closing quote of the string that opens at `at`.
    [[nodiscard]] std::size_t end_of_string(std::size_t at) const {
        for (++at; (at = rest_.find_first_of("\"\\", at)) != kNone; at += 2) {
            if (rest_[at] == '"') {
                return at + 1;
            }
        }
        return kNone;
    }

    [[nodiscard]] std::size_t end_of_nested() const {
        std::size_t depth = 0;
        std::size_t at = 0;
        while ((at = rest_.find_first_of("\"{}[]", at)) != kNone) {
            if (rest_[at] == '"') {
                at = end_of_string(at);
                if (at == kNone) {
                    return kNone;
                }
                continue;
            }
            depth += rest_[at] == '{' || rest_[at] == '[' ? 1 : -1;
            ++at;
            if (depth == 0) {
                return at;
            }
        }
        return kNone;
    }

    std::string_view rest_;
};

}  // namespace

bool members(std::string_view object, const OnMember& visit) {
    Scanner scanner(object);
    if (!scanner.eat('{')) {
        return false;
    }
    if (scanner.eat('}')) {
        return true;
    }
    do {
        auto name = scanner.eat_string();
        if (!name || !scanner.eat(':')) {
            return false;
        }
        const auto value = scanner.eat_value();
        if (!value) {
            return false;
        }
        if (!visit(name->substr(1, name->size() - 2), *value)) {
            return true;
        }
    } while (scanner.eat(','));
    return scanner.eat('}');
}

bool elements(std::string_view array, const OnElement& visit) {
    Scanner scanner(array);
    if (!scanner.eat('[')) {
        return false;
    }
    if (scanner.eat(']')) {
        return true;
    }
    do {
        const auto value = scanner.eat_value();
        if (!value) {
            return false;
        }
        if (!visit(*value)) {
            return true;
        }
    } while (scanner.eat(','));
    return scanner.eat(']');
}

std::optional<std::string_view> member(std::string_view object, std::string_view name) {
    std::optional<std::string_view> found;
    const bool good = members(object, [&](std::string_view candidate, std::string_view value) {
        if (candidate == name) {
            found = value;
        }
        return !found;
    });
    return good && found != "null" ? found : std::nullopt;
}

std::string text(std::string_view value) {
    if (value.size() < 2 || !value.starts_with('"')) {
        return "";
    }
    if (!value.contains('\\')) {
        return std::string(value.substr(1, value.size() - 2));
    }
    const auto parsed = nlohmann::json::parse(value, nullptr, false);
    return parsed.is_string() ? parsed.get<std::string>() : "";
}

std::string text_member(std::string_view object, std::string_view name) {
    const auto found = member(object, name);
    return found ? text(*found) : "";
}

std::optional<int> number_member(std::string_view object, std::string_view name) {
    const auto found = member(object, name);
    return found ? util::parse_number<int>(*found) : std::nullopt;
}

std::string quoted(std::string_view text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace directfaas::kube::json
