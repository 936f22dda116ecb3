// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/render/render.h"
#include "cli/sysdump/collect.h"

namespace directfaas::cli {
namespace {

struct Question {
    const char* name;
    const char* what;
    Json request;
    std::string (*text)(const Json& answer);  // nothing: JSON says it as well
};

std::vector<Question> questions() {
    return {{"status",
             "is the agent ready, what does it serve, what is wrong",
             {{"command", "status"}},
             [](const Json& answer) { return render_status(answer, {}); }},
            {"check",
             "what this machine can do",
             {{"command", "check"}},
             [](const Json& answer) { return render_check(answer, {}); }},
            {"functions",
             "functions, their instances and counters",
             {{"command", "functions"}},
             [](const Json& answer) { return render_functions(answer, {}); }},
            {"edges",
             "edges, their counters, and who was denied",
             {{"command", "edges"}},
             [](const Json& answer) { return render_edges(answer, {}); }},
            {"rules",
             "the flow table that is wanted",
             {{"command", "rules"}, {"installed", false}},
             [](const Json& answer) { return render_rules(answer, false, {}); }},
            {"rules-installed",
             "the flow table that the kernel or switch has",
             {{"command", "rules"}, {"installed", true}},
             [](const Json& answer) { return render_rules(answer, true, {}); }},
            {"events",
             "the latest decisions about flows",
             {{"command", "observe"}, {"follow", false}},
             nullptr}};
}

}  // namespace

std::string limited(std::string text) {
    if (text.size() > kDumpFileLimit) {
        text.resize(kDumpFileLimit);
        text += "\n[cut here: the file is longer than a dump takes]\n";
    }
    return text;
}

std::vector<DumpFile> agent_files(Session& session, Json& status) {
    std::vector<DumpFile> files;
    for (const auto& [name, what, request, text] : questions()) {
        auto answer = session.ask_agent(request);
        const std::string path = std::string("agent/") + name;
        if (!answer) {
            files.push_back(
                {path + ".failed.txt", std::string("why this is missing: ") + what,
                 fmt::format("{}\n{}\n", answer.error().message, answer.error().advice)});
            continue;
        }
        answer->erase("ok");
        files.push_back(
            {path + ".json", what,
             limited(answer->dump(1, ' ', false, Json::error_handler_t::replace) + "\n")});
        if (text != nullptr) {
            files.push_back({path + ".txt", "the same as text", limited(text(*answer))});
        }
        if (std::string_view(name) == "status") {
            status = std::move(*answer);
        }
    }
    return files;
}

}  // namespace directfaas::cli
