// SPDX-License-Identifier: Apache-2.0
// `dfctl sysdump`: one archive with all that a stranger needs to help.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <filesystem>
#include <iterator>

#include "cli/sysdump/collect.h"

namespace directfaas::cli {
namespace {

std::string host_name() {
    std::array<char, 65> name{};
    ::gethostname(name.data(), name.size() - 1);
    return name.data();
}

}  // namespace

std::vector<DumpFile> collect(Session& session) {
    Json status;
    auto files = agent_files(session, status);
    files.push_back({"agent/metrics.txt", "what Prometheus would read",
                     limited(read_metrics(text_at(status, "metrics_address")))});
    std::ranges::move(host_files(count_at(status, "pid")), std::back_inserter(files));
    return files;
}

int write_dump(const std::string& file, const std::string& source, std::vector<DumpFile> files,
               Session& session) {
    const auto top = fmt::format("directfaas-sysdump-{}-{:%Y%m%dT%H%M%SZ}", source,
                                 fmt::gmtime(std::time(nullptr)));
    const auto path = file.empty() ? top + ".tar.gz" : file;
    const auto contents = contents_of(files);
    files.insert(files.begin(), {"README.txt", "this list", contents});
    if (const auto written = write_archive(path, top, files); !written) {
        return session.fail({kExitRefused, "cannot " + written.error().text(),
                             "name another file with --file", "", false});
    }
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    session.world().out.write(fmt::format("{}\nwrote {}: {}, {}\n", contents, printable(path),
                                          plural(files.size(), "file"),
                                          bytes_text(error ? 0 : size)));
    return session.end(kExitFine);
}

int print_dump(const std::string& source, const std::vector<DumpFile>& files, Session& session) {
    Json list = Json::array();
    for (const auto& file : files) {
        list.push_back({{"path", file.path}, {"what", file.what}, {"text", file.text}});
    }
    session.print_line({{"source", source}, {"files", std::move(list)}}, "");
    return session.end(kExitFine);
}

int sysdump(const SysdumpCommand& command, Session& session) {
    auto files = collect(session);
    if (session.options().format == Format::kJson) {
        return print_dump(host_name(), files, session);
    }
    return write_dump(command.file, host_name(), std::move(files), session);
}

}  // namespace directfaas::cli
