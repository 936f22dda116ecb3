// SPDX-License-Identifier: Apache-2.0
#include "cni-plugin/install/network_dir.h"

#include <algorithm>
#include <filesystem>

#include "cni-plugin/install/files.h"

namespace directfaas::cni_install {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDropIn = "directfaas.conf";
constexpr int kTries = 10;

/// Where a single plugin's file waits while a list stands in for it.
std::string saved_of(const fs::path& single) {
    return (single.parent_path() / (kDraftPrefix + single.filename().string() + ".saved")).string();
}

fs::path list_of(fs::path single) { return single.replace_extension(".conflist"); }

}  // namespace

/// In the runtimes' order.
std::vector<std::string> NetworkDir::files() const {
    std::vector<std::string> found;
    std::error_code error;
    for (fs::directory_iterator at(dir_, error), end; !error && at != end; at.increment(error)) {
        const auto kind = at->path().extension();
        if (kind == ".conflist" || kind == ".conf" || kind == ".json") {
            found.push_back(at->path().string());
        }
    }
    std::ranges::sort(found);
    return found;
}

util::Result<Done> NetworkDir::ensure(const Json& entry) {
    passed_over_.clear();
    for (const auto& file : files()) {
        const auto text = read_file(file);
        auto network = text ? NetworkList::parse(*text) : util::fail_errno("it cannot be read");
        if (!network) {
            passed_over_.push_back(file + ": " + network.error().text());
            continue;
        }
        // A runtime takes a list from a .conflist only, and a single plugin from the others only.
        if (network->was_single == file.ends_with(".conflist")) {
            passed_over_.push_back(file +
                                   ": a list has to be in a .conflist, a single plugin in a "
                                   ".conf");
            continue;
        }
        return method_ == Method::kDropIn ? drop_in(*network, entry)
                                          : in_place(file, *text, *std::move(network), entry);
    }
    return Done::kNoNetwork;
}

util::Result<Done> NetworkDir::drop_in(const NetworkList& network, const Json& entry) const {
    const auto name = network.name();
    if (name.find('/') != std::string::npos || name.starts_with(".")) {
        return util::fail("the network's name is no name of a directory: " + name);
    }
    const auto path = fs::path(dir_) / name / kDropIn;
    const auto text = entry.dump(2) + "\n";
    if (read_file(path.string()) == text) {
        return Done::kNothing;
    }
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (auto written = write_file(path.string(), text, 0644); !written) {
        return std::unexpected(written.error());
    }
    return Done::kChanged;
}

util::Result<Done> NetworkDir::in_place(const std::string& file, const std::string& before,
                                        NetworkList network, const Json& entry) const {
    const bool changed = network.put(entry);
    if (network.was_single) {
        return as_list(file, network);
    }
    if (!changed) {
        return Done::kNothing;
    }
    const auto exchanged = exchange_file(file, before, network.text());
    if (!exchanged) {
        return std::unexpected(exchanged.error());
    }
    return *exchanged ? Done::kChanged : Done::kAgain;
}

/// The list is in place before the single file, which comes first in order, is put aside: at no
/// moment is there no network.
util::Result<Done> NetworkDir::as_list(const std::string& file, const NetworkList& network) const {
    std::error_code error;
    const auto list = list_of(file).string();
    // Ours are those for which a single file was put aside, and one that is written already.
    if (fs::exists(list, error) && !fs::exists(saved_of(file), error) &&
        read_file(list) != network.text()) {
        return util::fail(list + " is another network's, and " + file +
                          " needs its name: rename one of the two");
    }
    if (auto written = write_file(list, network.text(), 0644); !written) {
        return std::unexpected(written.error());
    }
    fs::rename(file, saved_of(file), error);
    if (error) {
        return util::fail_errno("put aside " + file, error.value());
    }
    return Done::kChanged;
}

util::Result<void> NetworkDir::withdraw() {
    remove_drop_ins();
    for (const auto& file : files()) {
        if (auto done = withdraw_from(file); !done) {
            return done;
        }
    }
    remove_drafts(dir_);
    return {};
}

util::Result<void> NetworkDir::withdraw_from(const std::string& file) const {
    for (const auto* ending : {".conf", ".json"}) {
        const auto single = fs::path(file).replace_extension(ending);
        std::error_code error;
        if (file.ends_with(".conflist") && fs::exists(saved_of(single), error)) {
            if (!fs::exists(single, error)) {
                fs::rename(saved_of(single), single, error);
            } else {
                fs::remove(saved_of(single), error);
            }
            fs::remove(file, error);
            return error ? util::fail_errno("restore " + single.string(), error.value())
                         : util::Result<void>();
        }
    }
    for (int attempt = 0; attempt < kTries; ++attempt) {
        const auto text = read_file(file);
        if (!text) {
            return {};
        }
        auto network = NetworkList::parse(*text);
        if (!network || network->was_single || !network->take_out()) {
            return {};
        }
        const auto exchanged = exchange_file(file, *text, network->text());
        if (!exchanged) {
            return std::unexpected(exchanged.error());
        }
        if (*exchanged) {
            return {};
        }
    }
    return util::fail("somebody else keeps writing " + file);
}

void NetworkDir::remove_drop_ins() const {
    std::error_code error;
    std::vector<fs::path> dirs;
    for (fs::directory_iterator at(dir_, error), end; !error && at != end; at.increment(error)) {
        if (at->is_directory(error)) {
            dirs.push_back(at->path());
        }
    }
    for (const auto& dir : dirs) {
        if (fs::remove(dir / kDropIn, error)) {
            fs::remove(dir, error);  // only if it is empty
        }
    }
}

}  // namespace directfaas::cni_install
