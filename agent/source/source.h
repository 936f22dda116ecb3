// SPDX-License-Identifier: Apache-2.0
// Where the objects of the model come from: a directory, or an apiserver.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lib/model/model.h"
#include "lib/util/result.h"

namespace directfaas::source {

/// Takes the new contents of all these origins (files, or objects of an apiserver; no objects: the
/// origin is gone) and returns nothing, or refuses all of them and returns why:
/// Model::replace_all(). A refused change must leave the earlier objects in force. May be called
/// several times in one turn of the loop; whoever applies the changes to a kernel may merge those
/// of one turn (EventLoop::post).
using Replace =
    std::function<std::vector<model::Problem>(std::vector<model::OriginContent> contents)>;

/// A chain as an apiserver knows it, and which state of it the model has taken.
struct ChainInForce {
    model::ObjectName name;
    std::int64_t generation = 0;
    std::string uid;
};

/// A chain whose newest state the controller has accepted and this node refuses.
struct RefusedHere {
    model::ObjectName name;
    std::string uid;
    std::string why;
};

/// On the loop's thread.
class Source {
   public:
    Source() = default;
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;
    virtual ~Source() = default;

    /// Begins to follow. That the objects cannot be had (yet) is a standing problem, no failure.
    virtual util::Result<void> start() = 0;
    /// Looks at everything again now, for an operator who does not want to wait.
    virtual void rescan() = 0;

    /// What has to be mended, by the newest state of each origin; errors mean that an older state
    /// of it is in force.
    [[nodiscard]] virtual std::vector<model::Problem> problems() const = 0;
    /// Objects in force.
    [[nodiscard]] virtual std::size_t object_count() const = 0;
    /// The whole state was known at least once; before that nothing may be withdrawn.
    [[nodiscard]] virtual bool complete() const = 0;
    /// Policies of others that may be about pods of this node and are not followed: what may not go
    /// past the node's stack because of them; empty: there are none.
    [[nodiscard]] virtual std::string unseen_policies() const { return {}; }
    /// In no particular order; a directory's chains have no generation and are not among them.
    [[nodiscard]] virtual std::vector<ChainInForce> chains() const { return {}; }
    [[nodiscard]] virtual std::vector<RefusedHere> refused_here() const { return {}; }
    /// Of an object that is in force, "Pod shop/reviews-0"; empty: there is none, or it has none.
    [[nodiscard]] virtual std::string uid_of(const std::string& /*object*/) const { return {}; }
};

}  // namespace directfaas::source
