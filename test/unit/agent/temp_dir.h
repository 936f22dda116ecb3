// SPDX-License-Identifier: Apache-2.0
// A directory for one test, gone with it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace directfaas::agent_test {

class TempDir {
   public:
    TempDir() {
        std::string name = (std::filesystem::temp_directory_path() / "df-agent-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error("cannot make " + name);
        }
        path_ = name;
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] std::string file(const std::string& name) const {
        return (path_ / name).string();
    }
    /// Writes a file so that a watcher sees it whole.
    std::string write(const std::string& name, const std::string& text) const {
        const auto target = path_ / name;
        const auto draft = path_ / ("." + name + ".draft");
        std::ofstream(draft) << text;
        std::filesystem::rename(draft, target);
        return target.string();
    }

   private:
    std::filesystem::path path_;
};

}  // namespace directfaas::agent_test
