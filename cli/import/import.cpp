// SPDX-License-Identifier: Apache-2.0
// `dfctl import`: manifests on standard output, and on standard error what they do not say.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/import/chains.h"
#include "cli/render/render.h"
#include "cli/session.h"
#include "lib/manifest/files.h"
#include "lib/manifest/names.h"

namespace directfaas::cli {
namespace {

bool is_error(const model::Problem& problem) {
    return problem.severity == model::Problem::Severity::kError;
}

/// "stack" of "hello/stack.yml", as far as it may be an object's name.
std::string name_of_file(const std::string& path) {
    const auto stem = std::filesystem::path(path).stem().string();
    return manifest::is_dns_label(stem) ? stem : "openfaas";
}

void read_files(const ImportCommand& command, Stack& stack) {
    for (const auto& path : command.files) {
        auto file = manifest::read_file(path, manifest::kMaxFileBytes);
        if (file.state == manifest::FileState::kRead) {
            read_stack(path, file.text, command.name_space, stack);
        } else {
            stack.problems.push_back(std::move(file.problem));
        }
    }
}

std::string summary(const Stack& stack, const std::vector<ImportedChain>& chains) {
    std::size_t edges = 0;
    for (const auto& chain : chains) {
        edges += chain.edges.size();
    }
    const auto left_out =
        static_cast<std::uint64_t>(std::ranges::count_if(stack.problems, is_error));
    return fmt::format("{}, {} in {}{}", plural(stack.functions.size(), "function"),
                       plural(edges, "edge"), plural(chains.size(), "chain"),
                       left_out == 0 ? "" : "; " + plural(left_out, "error") + " above");
}

}  // namespace

int import_stack(const ImportCommand& command, Session& session) {
    Stack stack;
    read_files(command, stack);
    const auto name = command.name.empty() ? name_of_file(command.files.front()) : command.name;
    const auto chains = chains_of(stack, name, command.edges_from_environment);
    std::ranges::stable_sort(stack.problems, {}, &model::Problem::where);
    session.world().err.write(problem_lines(stack.problems, session.world().err_style));
    session.note(summary(stack, chains));
    if (!chains.empty()) {
        session.note("how functions are built and deployed, and their Services, stay OpenFaaS's");
        session.world().out.write(session.options().format == Format::kJson
                                      ? chains_as_json(chains).dump(2) + "\n"
                                      : chains_as_yaml(chains));
    }
    return session.end(std::ranges::any_of(stack.problems, is_error) ? kExitNo : kExitFine);
}

}  // namespace directfaas::cli
