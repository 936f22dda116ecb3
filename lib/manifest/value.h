// SPDX-License-Identifier: Apache-2.0
// A parsed text as a small tree with line numbers: what every reader builds and every decoder
// reads. One allocation pool per file, because a 16 KiB manifest has over a thousand values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace directfaas::manifest {

enum class NodeKind : std::uint8_t { kNull, kScalar, kSequence, kMap };

/// One value. Strings point into the parsed text or into the tree; both must live as long.
struct Node {
    NodeKind kind = NodeKind::kNull;
    bool quoted = false;     // a scalar that is a string whatever it looks like
    int line = 0;            // 1-based; of a map or list: its first entry
    int key_line = 0;        // 0: not in a map
    std::uint32_t size = 0;  // number of children
    std::string_view key;    // in a map
    std::string_view text;   // of a scalar
    const Node* parent = nullptr;
    const Node* first = nullptr;
    const Node* next = nullptr;

    /// The line a message about this value names: its key's, if it has one.
    [[nodiscard]] int where() const { return key_line > 0 ? key_line : line; }
    /// A map's member, or nothing. A null value counts as absent, as in the Kubernetes API.
    [[nodiscard]] const Node* find(std::string_view name) const;
};

/// Why a text could not be read. Thrown inside this folder only.
struct SyntaxError {
    int line = 0;
    std::string message;
    std::string advice;
};

/// Owns the nodes of all documents of one text.
class Tree {
   public:
    Tree() = default;
    Tree(const Tree&) = delete;  // nodes point to one another
    Tree& operator=(const Tree&) = delete;
    Tree(Tree&&) noexcept = default;
    Tree& operator=(Tree&&) noexcept = default;

    /// Roots of the complete documents, empty ones (null) included.
    [[nodiscard]] const std::vector<const Node*>& documents() const { return documents_; }
    /// Root of the document in which reading stopped, or nothing.
    [[nodiscard]] const Node* unfinished() const { return unfinished_; }
    /// Keeps a string that is not a part of the text.
    std::string_view keep(std::string text);

   private:
    friend class TreeBuilder;

    std::deque<Node> nodes_;  // stable addresses
    std::deque<std::string> texts_;
    std::vector<const Node*> documents_;
    const Node* unfinished_ = nullptr;
};

/// Builds a tree from parser events and refuses what no manifest needs: duplicate keys, keys that
/// are no strings, deep nesting, masses of values. Every function may throw SyntaxError.
class TreeBuilder {
   public:
    static constexpr std::size_t kMaxDepth = 64;
    static constexpr std::size_t kMaxNodes = 1 << 18;

    explicit TreeBuilder(Tree& tree) : tree_(tree) {}

    void end_document();
    void null(int line);
    /// `text` must live as long as the tree.
    void scalar(int line, std::string_view text, bool quoted);
    void begin_map(int line) { begin(NodeKind::kMap, line); }
    void begin_sequence(int line) { begin(NodeKind::kSequence, line); }
    void end();
    /// Line of the key that waits for its value, 0 if there is none.
    [[nodiscard]] int waiting_key_line() const {
        return !open_.empty() && open_.back().has_key ? open_.back().key_line : 0;
    }

   private:
    struct Open {
        Node* node;
        Node* last_child;
        bool has_key;
        std::string_view key;
        int key_line;
    };

    void begin(NodeKind kind, int line);
    [[nodiscard]] bool wants_key() const;
    void take_key(int line, std::string_view text);
    Node& add(NodeKind kind, int line);

    Tree& tree_;
    std::vector<Open> open_;
    bool has_root_ = false;
};

}  // namespace directfaas::manifest
