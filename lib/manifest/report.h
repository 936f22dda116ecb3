// SPDX-License-Identifier: Apache-2.0
// Collects what is wrong with one text while it is decoded, so that a user sees all of it at once.
#pragma once

#include <string>
#include <vector>

#include "lib/manifest/value.h"
#include "lib/model/objects.h"

namespace directfaas::manifest {

class Report {
   public:
    static constexpr std::size_t kMaxProblems = 50;

    explicit Report(std::string file) : file_(std::move(file)) {}

    /// Later problems concern the object rooted at `root` and called `label`.
    void begin_object(const Node* root, std::string label);
    void error(int line, std::string message, std::string advice);
    void warning(int line, std::string message, std::string advice);

    [[nodiscard]] bool failed() const { return errors_ > 0; }
    [[nodiscard]] std::size_t errors() const { return errors_; }
    [[nodiscard]] model::SourceLine at(int line) const { return {file_, line}; }
    /// "spec.functions[2].name", from the root of the object.
    [[nodiscard]] std::string path(const Node& node) const;
    /// The path of a member that need not exist.
    [[nodiscard]] std::string path(const Node& map, std::string_view key) const;
    std::vector<model::Problem> take() { return std::move(problems_); }

   private:
    void add(model::Problem::Severity severity, int line, std::string message, std::string advice);

    std::string file_;
    const Node* root_ = nullptr;
    std::string object_;
    std::size_t errors_ = 0;
    std::vector<model::Problem> problems_;
};

}  // namespace directfaas::manifest
