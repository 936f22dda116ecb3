// SPDX-License-Identifier: Apache-2.0
#include "lib/manifest/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/manifest/scalar.h"

namespace directfaas::manifest {
namespace {

constexpr std::uint32_t kFewKeys = 16;  // up to here comparing all pairs is cheapest

[[noreturn]] void refuse_duplicate(const Node& first, std::string_view key, int line) {
    throw SyntaxError{line, fmt::format("key {} is here a second time", shown(key)),
                      fmt::format("Remove one; the first is in line {}", first.key_line)};
}

void refuse_duplicates_of_many(const Node& map) {
    std::vector<const Node*> members;
    members.reserve(map.size);
    for (const Node* member = map.first; member != nullptr; member = member->next) {
        members.push_back(member);
    }
    std::ranges::stable_sort(members, {}, &Node::key);
    const auto same = std::ranges::adjacent_find(members, {}, &Node::key);
    if (same != members.end()) {
        refuse_duplicate(**same, (*same)->key, (*std::next(same))->key_line);
    }
}

}  // namespace

const Node* Node::find(std::string_view name) const {
    if (kind != NodeKind::kMap) {
        return nullptr;
    }
    for (const Node* member = first; member != nullptr; member = member->next) {
        if (member->key == name) {
            return member->kind == NodeKind::kNull ? nullptr : member;
        }
    }
    return nullptr;
}

std::string_view Tree::keep(std::string text) { return texts_.emplace_back(std::move(text)); }

bool TreeBuilder::wants_key() const {
    return !open_.empty() && open_.back().node->kind == NodeKind::kMap && !open_.back().has_key;
}

void TreeBuilder::take_key(int line, std::string_view text) {
    auto& map = open_.back();
    if (map.node->size < kFewKeys) {
        for (const Node* member = map.node->first; member != nullptr; member = member->next) {
            if (member->key == text) {
                refuse_duplicate(*member, text, line);
            }
        }
    }
    map.key = text;
    map.key_line = line;
    map.has_key = true;
}

Node& TreeBuilder::add(NodeKind kind, int line) {
    if (tree_.nodes_.size() >= kMaxNodes) {
        throw SyntaxError{line, fmt::format("more than {} values in one file", kMaxNodes),
                          "Split the file"};
    }
    auto& node = tree_.nodes_.emplace_back();
    node.kind = kind;
    node.line = line;
    if (open_.empty()) {
        has_root_ = true;
        tree_.unfinished_ = &node;
        return node;
    }
    auto& parent = open_.back();
    node.parent = parent.node;
    if (parent.node->kind == NodeKind::kMap) {
        node.key = parent.key;
        node.key_line = parent.key_line;
        parent.has_key = false;
    }
    (parent.last_child == nullptr ? parent.node->first : parent.last_child->next) = &node;
    parent.last_child = &node;
    ++parent.node->size;
    return node;
}

void TreeBuilder::null(int line) {
    if (wants_key()) {
        throw SyntaxError{line, "a key is empty", "Write a name before the colon"};
    }
    add(NodeKind::kNull, line);
}

void TreeBuilder::scalar(int line, std::string_view text, bool quoted) {
    if (wants_key()) {
        take_key(line, text);
        return;
    }
    auto& node = add(NodeKind::kScalar, line);
    node.text = text;
    node.quoted = quoted;
}

void TreeBuilder::begin(NodeKind kind, int line) {
    if (wants_key()) {
        throw SyntaxError{line, "a list or map is used as a key",
                          "Quote it if it is text; render it first if it is a template"};
    }
    if (open_.size() >= kMaxDepth) {
        throw SyntaxError{line, fmt::format("nested deeper than {} levels", kMaxDepth),
                          "No manifest needs this depth; check the file"};
    }
    auto& node = add(kind, line);
    open_.push_back({&node, nullptr, false, {}, 0});
}

void TreeBuilder::end() {
    const auto closed = open_.back();
    open_.pop_back();
    if (closed.node->kind == NodeKind::kMap && closed.node->size > kFewKeys) {
        refuse_duplicates_of_many(*closed.node);
    }
}

void TreeBuilder::end_document() {
    if (!has_root_) {
        null(0);
    }
    tree_.documents_.push_back(tree_.unfinished_);
    tree_.unfinished_ = nullptr;
    has_root_ = false;
}

}  // namespace directfaas::manifest
