// SPDX-License-Identifier: Apache-2.0
// `dfctl explain`: one call's fate as a short story.
#include <fmt/format.h>

#include <algorithm>

#include "cli/render/render.h"
#include "cli/table.h"

namespace directfaas::cli {
namespace {

/// Lines of "what  text"; `what` is written once for several lines of the same kind.
class Story {
   public:
    explicit Story(const Style& style) : style_(style) {}
    void tell(const std::string& what, const std::string& text) {
        if (text.empty()) {
            return;
        }
        const auto name = what == last_ ? "" : what;
        last_ = what;
        text_ += fmt::format("  {}{}  {}\n", style_.paint(Tone::kDim, name),
                             std::string(kLongest.size() - name.size(), ' '), text);
    }
    /// Each line of `lines` on its own.
    void tell_lines(const std::string& what, std::string_view lines) {
        while (!lines.empty()) {
            const auto end = lines.find('\n');
            tell(what, std::string(lines.substr(0, end)));
            lines.remove_prefix(end + 1);
        }
    }
    [[nodiscard]] const std::string& text() const { return text_; }

   private:
    static constexpr std::string_view kLongest = "installed";
    const Style& style_;
    std::string text_;
    std::string last_;
};

std::string verdict(const Json& answer, const Style& style) {
    const auto enforcement = text_at(answer, "enforcement");
    if (flag_at(answer, "allowed")) {
        return fmt::format("{} ({})", style.paint(Tone::kGood, "ALLOWED"), enforcement);
    }
    if (enforcement == "Audit") {
        return style.paint(Tone::kWarn, "NOT ALLOWED") + " (Audit: the call passes and is counted)";
    }
    if (enforcement == "Disabled") {
        return style.paint(Tone::kWarn, "NOT ALLOWED") + " (Disabled: the call passes)";
    }
    return fmt::format("{} ({})", style.paint(Tone::kBad, "DENIED"), enforcement);
}

Cell instances(const Json& route) {
    const auto& endpoints = list_at(route, "endpoints");
    const auto ready = static_cast<std::uint64_t>(std::ranges::count_if(
        endpoints, [](const Json& endpoint) { return text_at(endpoint, "state") == "ready"; }));
    if (ready > 0) {
        const bool sticky = count_at(route, "affinity_s") > 0;
        return {plural(ready, "instance") + " ready" +
                (sticky ? "; callers keep theirs (sessionAffinity)" : "")};
    }
    return {text_at(route, "when_empty") == "hold"
                ? "no instance ready: the call is held, one is started"
                : "no instance ready: the call is refused",
            Tone::kWarn};
}

Cell endpoint_text(const Json& endpoint) {
    const auto state = text_at(endpoint, "state");
    return {fmt::format("{}, {} open", state, count_text(count_at(endpoint, "open"))),
            state == "ready" ? Tone::kPlain : Tone::kWarn};
}

}  // namespace

std::string render_explain(const Json& answer, const Style& style) {
    Story story(style);
    story.tell("why", text_at(answer, "reason"));
    story.tell("declared", place_text(object_at(answer, "because")));
    story.tell("mend", text_at(answer, "advice"));
    Table routes({{""}, {""}});
    for (const auto& route : list_at(answer, "routes")) {
        routes.add({text_at(route, "vip"), instances(route)});
        for (const auto& endpoint : list_at(route, "endpoints")) {
            routes.add({"  " + text_at(endpoint, "address"), endpoint_text(endpoint)});
        }
    }
    story.tell_lines("routes", routes.text(style));
    for (const auto& line : texts_at(answer, "installed")) {
        story.tell("installed", line);
    }
    return fmt::format("{} → {}: {}\n", text_at(answer, "from"), text_at(answer, "to"),
                       verdict(answer, style)) +
           story.text();
}

}  // namespace directfaas::cli
