// SPDX-License-Identifier: Apache-2.0
// A directory of its own for one test.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace directfaas::manifest {

class TempDir {
   public:
    TempDir() : path_(std::filesystem::temp_directory_path() / "directfaas-test-XXXXXX") {
        std::string pattern = path_.string();
        if (mkdtemp(pattern.data()) == nullptr) {
            throw std::filesystem::filesystem_error("mkdtemp", path_, {});
        }
        path_ = pattern;
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] std::string path() const { return path_.string(); }
    [[nodiscard]] std::string path(std::string_view name) const { return path_ / name; }

    /// Writes in place, as an editor without tricks does.
    void write(std::string_view name, std::string_view text) const {
        std::ofstream(path(name), std::ios::trunc) << text;
    }
    /// Writes aside and renames.
    void replace(std::string_view name, std::string_view text) const {
        write(".aside", text);
        std::filesystem::rename(path(".aside"), path(name));
    }

   private:
    std::filesystem::path path_;
};

}  // namespace directfaas::manifest
