// SPDX-License-Identifier: Apache-2.0
#include "lib/manifest/report.h"

#include <fmt/format.h>

#include <utility>

#include "lib/manifest/scalar.h"

namespace directfaas::manifest {
namespace {

std::size_t position(const Node& node) {
    std::size_t index = 0;
    for (const Node* item = node.parent->first; item != &node; item = item->next) {
        ++index;
    }
    return index;
}

}  // namespace

void Report::begin_object(const Node* root, std::string label) {
    root_ = root;
    object_ = std::move(label);
}

void Report::error(int line, std::string message, std::string advice) {
    ++errors_;
    add(model::Problem::Severity::kError, line, std::move(message), std::move(advice));
}

void Report::warning(int line, std::string message, std::string advice) {
    add(model::Problem::Severity::kWarning, line, std::move(message), std::move(advice));
}

void Report::add(model::Problem::Severity severity, int line, std::string message,
                 std::string advice) {
    if (problems_.size() < kMaxProblems) {
        problems_.push_back({severity, at(line), object_, std::move(message), std::move(advice)});
    } else if (problems_.size() == kMaxProblems) {
        problems_.push_back({severity, at(0), "", "there are more problems than are shown here",
                             "Mend these first"});
    }
}

std::string Report::path(const Node& node) const {
    if (&node == root_ || node.parent == nullptr) {
        return "the object";
    }
    if (node.parent->kind == NodeKind::kMap) {
        return path(*node.parent, node.key);
    }
    return fmt::format("{}[{}]", path(*node.parent), position(node));
}

std::string Report::path(const Node& map, std::string_view key) const {
    if (&map == root_ || map.parent == nullptr) {
        return shortened(key);
    }
    return fmt::format("{}.{}", path(map), shortened(key));
}

}  // namespace directfaas::manifest
