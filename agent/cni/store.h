// SPDX-License-Identifier: Apache-2.0
// The attachments the CNI plugin told of, kept over a restart of the agent: behind a bridge nothing
// else says which interface is whose.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/cni/attachment.h"
#include "lib/util/result.h"

namespace directfaas::cni {

class Store {
   public:
    /// `index_of` returns an interface's number, 0 if there is none of that name.
    using IndexOf = std::function<unsigned(const std::string&)>;

    /// Reads what an earlier process left in `dir`; what names an interface that is gone, or whose
    /// number is another's now, is dropped. A file that cannot be read is dropped with a warning.
    Store(std::string dir, IndexOf index_of);

    /// Replaces what was said of the same key, and of the same interface.
    void add(Attachment attachment);
    void remove(const Key& key);
    /// Removes all that `valid` does not name and returns how many.
    std::size_t keep_only(const std::vector<Key>& valid);
    /// Removes everything, the directory too.
    void clear();
    /// Removes what lost its interface.
    void prune();

    /// The newest attachment of a pod.
    [[nodiscard]] const Attachment* of(const model::ObjectName& pod) const;
    [[nodiscard]] const Attachment* of(const Key& key) const;
    [[nodiscard]] std::size_t size() const { return attachments_.size(); }

   private:
    void load();
    [[nodiscard]] bool alive(const Attachment& attachment) const;
    [[nodiscard]] std::string path_of(const Key& key) const;
    void write(const Attachment& attachment) const;

    std::string dir_;
    IndexOf index_of_;
    std::map<Key, Attachment> attachments_;
    std::map<model::ObjectName, Key> by_pod_;
};

/// JSON of one attachment as the plugin sends and the store keeps it; fails on what is missing.
util::Result<Attachment> attachment_from(const std::string& json);
/// The key alone, of a request that has no more.
std::optional<Key> key_from(const std::string& json);
std::string to_json(const Attachment& attachment);

}  // namespace directfaas::cni
