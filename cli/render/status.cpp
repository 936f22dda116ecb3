// SPDX-License-Identifier: Apache-2.0
// `dfctl status`: is it ready, what does it serve, what is wrong.
#include <fmt/format.h>

#include <algorithm>

#include "cli/render/render.h"
#include "cli/table.h"

namespace directfaas::cli {
namespace {

using Side = Column::Side;

std::string summary(const Json& answer, const Style& style) {
    const bool ready = flag_at(answer, "ready");
    std::string out = fmt::format(
        "{}: {}", style.paint(Tone::kStrong, text_at(answer, "instance")),
        ready ? style.paint(Tone::kGood, "ready") : style.paint(Tone::kBad, "not ready"));
    const auto why = text_at(answer, "not_ready_because");
    if (!ready && !why.empty()) {
        out += ", " + why;
    }
    return out + "\n";
}

/// "4 of 5 interfaces, 12 connections; veth7: qdisc tbf"
std::string fast_path(const Json& figures) {
    if (const auto off = text_at(figures, "off_because"); !off.empty()) {
        return "off: " + off;
    }
    const auto obstacles = list_at(figures, "obstacles");
    const auto all = count_at(figures, "interfaces");
    std::string text =
        fmt::format("{} of {}, {}", all - std::min(all, obstacles.size()), plural(all, "interface"),
                    plural(count_at(figures, "open"), "connection"));
    for (const auto& obstacle : obstacles) {
        text += fmt::format("; {}: {}", text_at(obstacle, "interface"), text_at(obstacle, "why"));
    }
    return text;
}

std::string facts(const Json& answer, const Style& style) {
    Table table({{""}, {""}});
    const auto add = [&table](const char* name, const std::string& text) {
        if (!text.empty()) {
            table.add({{name, Tone::kDim}, text});
        }
    };
    add("agent", fmt::format("directfaas-agent {}, pid {}, up {}", text_at(answer, "version"),
                             text_at(answer, "pid"),
                             duration_text(number_at(answer, "uptime_seconds").value_or(0))));
    add("node", text_at(answer, "node"));
    add("backend", text_at(answer, "backend"));
    if (const auto age = number_at(answer, "last_sync_seconds")) {
        add("in force", fmt::format("since {} ago", duration_text(*age)));
    }
    if (const auto figures = answer.find("fast_path"); figures != answer.end()) {
        add("fast path", fast_path(*figures));
    }
    for (const auto& uplink : list_at(answer, "uplinks")) {
        const auto problem = text_at(uplink, "problem");
        add("uplink", fmt::format("{}: {}", text_at(uplink, "device"),
                                  problem.empty() ? "guarded" : "not guarded: " + problem));
    }
    for (const auto& source : list_at(answer, "sources")) {
        const auto problems = count_at(source, "problems");
        add("source", fmt::format("{}, {}, {}", text_at(source, "name"),
                                  plural(count_at(source, "objects"), "object"),
                                  problems == 0 ? "no problems" : plural(problems, "problem")));
    }
    return table.text(style, 2);
}

void add_function(Table& table, const Json& function) {
    const auto vips = texts_at(function, "vips");
    const auto ready = count_at(function, "ready");
    const auto held = count_at(function, "held_now");
    table.add({text_at(function, "name"),
               vips.empty() ? Cell("no vIP", Tone::kWarn) : Cell(vips.front()),
               {fmt::format("{}", ready), ready == 0 ? Tone::kWarn : Tone::kPlain},
               fmt::format("{}", count_at(function, "draining")),
               text_at(function, "enforcement"),
               count_text(count_at(function, "open")),
               count_text(count_at(function, "opened")),
               {count_text(held), held > 0 ? Tone::kWarn : Tone::kPlain}});
    for (std::size_t i = 1; i < vips.size(); ++i) {
        table.add({"", vips[i]});
    }
}

std::string functions(const Json& answer, const Style& style) {
    Table table({{"FUNCTION"},
                 {"VIP"},
                 {"READY", Side::kRight},
                 {"DRAINING", Side::kRight},
                 {"ENFORCEMENT"},
                 {"OPEN", Side::kRight},
                 {"OPENED", Side::kRight},
                 {"HELD", Side::kRight}});
    for (const auto& function : list_at(answer, "functions")) {
        add_function(table, function);
    }
    return table.empty() ? "\nNo functions: no FunctionChain declares any.\n"
                         : "\n" + table.text(style);
}

std::string attached_pods(const Json& answer, const Style& style) {
    Table table({{"POD"}, {"ATTACHED AS"}, {"INTERFACE"}, {"IFINDEX", Side::kRight}, {"NOTE"}});
    for (const auto& pod : list_at(answer, "attachments")) {
        table.add({text_at(pod, "pod"),
                   text_at(pod, "identity"),
                   text_at(pod, "interface"),
                   text_at(pod, "ifindex"),
                   {flag_at(pod, "adopted") ? "adopted" : "", Tone::kDim}});
    }
    for (const auto& pod : list_at(answer, "unattached")) {
        table.add(
            {text_at(pod, "pod"), {"not attached", Tone::kBad}, "-", "-", text_at(pod, "why")});
    }
    return table.empty() ? "" : "\n" + table.text(style);
}

std::string problems(const Json& answer, const Style& style) {
    std::string out;
    for (const auto& problem : list_at(answer, "problems")) {
        const bool error = text_at(problem, "severity") != "warning";
        const auto place = place_text(problem);
        const auto object = text_at(problem, "object");
        out +=
            fmt::format("{}{}{}: {}{}{}\n", place, place.empty() ? "" : ": ",
                        style.paint(error ? Tone::kBad : Tone::kWarn, error ? "error" : "warning"),
                        object, object.empty() ? "" : ": ", text_at(problem, "message"));
        if (const auto advice = text_at(problem, "advice"); !advice.empty()) {
            out += fmt::format("  {}  {}\n", style.paint(Tone::kDim, "mend"), advice);
        }
    }
    return out.empty() ? "" : "\n" + out;
}

Tone fill_tone(double filled) {
    return filled >= 0.95 ? Tone::kBad : filled >= 0.8 ? Tone::kWarn : Tone::kPlain;
}

std::string tables(const Json& answer, const Style& style) {
    Table table(
        {{"TABLE"}, {"ENTRIES", Side::kRight}, {"CAPACITY", Side::kRight}, {"FULL", Side::kRight}});
    for (const auto& usage : list_at(answer, "tables")) {
        const auto entries = count_at(usage, "entries");
        const auto capacity = count_at(usage, "capacity");
        const double filled =
            capacity == 0 ? 0 : static_cast<double>(entries) / static_cast<double>(capacity);
        table.add({text_at(usage, "name"),
                   count_text(entries),
                   count_text(capacity),
                   {fmt::format("{:.0f} %", filled * 100), fill_tone(filled)}});
    }
    return table.empty() ? "" : "\n" + table.text(style);
}

}  // namespace

std::string render_status(const Json& answer, const Style& style) {
    return summary(answer, style) + facts(answer, style) + functions(answer, style) +
           attached_pods(answer, style) + problems(answer, style) + tables(answer, style);
}

}  // namespace directfaas::cli
