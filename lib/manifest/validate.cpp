// SPDX-License-Identifier: Apache-2.0
#include "lib/manifest/validate.h"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "lib/manifest/decode.h"
#include "lib/manifest/files.h"
#include "lib/manifest/offers.h"

namespace directfaas::manifest {
namespace {

using Problems = std::vector<model::Problem>;

void append(Problems& problems, Problems more) {
    std::ranges::move(more, std::back_inserter(problems));
}

bool is_directory(const std::string& path) {
    struct stat status{};
    return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

void add_directory(const std::string& path, std::set<std::string>& files, Problems& problems) {
    auto names = list_manifests(path);
    if (!names) {
        problems.push_back(directory_unreadable(path, names.error()));
        return;
    }
    if (names->size() > kMaxFiles) {
        problems.push_back(too_many_files(path, kMaxFiles));
        names->resize(kMaxFiles);
    }
    for (const auto& name : *names) {
        files.insert(join_path(path, name));
    }
}

void load(const std::string& path, Offers& offers, Problems& problems) {
    auto file = read_file(path, kMaxFileBytes);
    if (file.state != FileState::kRead) {
        problems.push_back(std::move(file.problem));
        return;
    }
    auto decoded = decode(path, file.text);
    if (decoded.ok()) {
        offers.put(path, std::move(decoded.objects));
    }
    append(problems, std::move(decoded.problems));
}

}  // namespace

Problems validate(const std::vector<std::string>& paths, const model::NodeSettings& settings) {
    Problems problems;
    std::set<std::string> files;
    for (const auto& path : paths) {
        if (is_directory(path)) {
            add_directory(path, files, problems);
        } else {
            files.insert(path);
        }
    }
    Offers offers;
    for (const auto& file : files) {
        load(file, offers, problems);
    }
    model::Model model(settings);
    offers.settle([&](std::vector<model::OriginContent> contents) {
        auto replaced = model.replace_all(std::move(contents));
        return replaced ? Problems{} : std::move(replaced.error());
    });
    for (const auto& file : files) {
        append(problems, offers.problems(file));
    }
    append(problems, model.warnings());
    std::ranges::stable_sort(problems, {}, &model::Problem::where);
    return problems;
}

}  // namespace directfaas::manifest
