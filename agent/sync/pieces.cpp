// SPDX-License-Identifier: Apache-2.0
#include "agent/sync/pieces.h"

#include <fmt/format.h>

#include <utility>

namespace directfaas::sync {
namespace {

/// Calls `visit` with each container of both deltas, in the order RuleDelta documents.
template <typename Delta, typename Other, typename Visit>
void each_section(Delta& delta, Other& other, Visit visit) {
    visit(delta.identities, other.identities, "identity");
    visit(delta.addresses, other.addresses, "address");
    visit(delta.routes, other.routes, "route");
    visit(delta.allowed, other.allowed, "edge");
    visit(delta.attachments, other.attachments, "attachment of pod");
    visit(delta.revoked, other.revoked, "revocation of edge");
    visit(delta.detached, other.detached, "detachment of pod");
    visit(delta.routes_removed, other.routes_removed, "removal of route");
    visit(delta.addresses_removed, other.addresses_removed, "removal of address");
    visit(delta.identities_removed, other.identities_removed, "removal of identity");
}

std::string text_of(const model::AllowKey& edge) {
    return edge.from.text() + " -> " + edge.to.text();
}
template <typename Value>
std::string text_of(const Value& value) {
    return value.text();
}
template <typename Key, typename Value>
std::string text_of(const std::pair<const Key, Value>& entry) {
    return text_of(entry.first);
}

class Cutter {
   public:
    Cutter(const ApplyPiece& apply, std::size_t max_errors)
        : apply_(apply), max_errors_(max_errors) {}

    void run(model::RuleDelta delta) {
        if (delta.empty() || errors_in_part_ >= max_errors_) {
            return;
        }
        const auto applied = apply_(delta);
        if (applied) {
            return;
        }
        const auto size = statements(delta);
        if (size == 1) {
            ++errors_in_part_;
            errors_.push_back(applied.error().in(describe(delta)));
            return;
        }
        run(take_front(delta, size / 2));
        run(std::move(delta));
    }
    void next_part() { errors_in_part_ = 0; }
    std::vector<util::Error> errors() && { return std::move(errors_); }

   private:
    const ApplyPiece& apply_;
    std::size_t max_errors_;
    std::size_t errors_in_part_ = 0;
    std::vector<util::Error> errors_;
};

}  // namespace

std::size_t statements(const model::RuleDelta& delta) {
    std::size_t count = 0;
    each_section(delta, delta,
                 [&count](const auto& section, const auto&, auto) { count += section.size(); });
    return count;
}

model::RuleDelta take_front(model::RuleDelta& delta, std::size_t count) {
    model::RuleDelta front;
    each_section(delta, front, [&count](auto& from, auto& to, auto) {
        for (; count > 0 && !from.empty(); --count) {
            to.insert(to.end(), from.extract(from.begin()));
        }
    });
    return front;
}

std::string describe(const model::RuleDelta& delta) {
    const auto count = statements(delta);
    if (count != 1) {
        return fmt::format("{} rules", count);
    }
    std::string text;
    each_section(delta, delta, [&text](const auto& section, const auto&, const char* kind) {
        if (!section.empty()) {
            text = std::string(kind) + " " + text_of(*section.begin());
        }
    });
    return text;
}

std::vector<util::Error> apply_in_pieces(model::RuleDelta delta, const ApplyPiece& apply,
                                         std::size_t max_errors) {
    Cutter cutter(apply, max_errors);
    model::RuleDelta revocations;
    std::swap(revocations.revoked, delta.revoked);
    cutter.run(std::move(revocations));
    cutter.next_part();
    cutter.run(take_front(delta, delta.identities.size() + delta.addresses.size() +
                                     delta.routes.size() + delta.allowed.size() +
                                     delta.attachments.size()));
    cutter.next_part();
    cutter.run(std::move(delta));
    return std::move(cutter).errors();
}

}  // namespace directfaas::sync
