// SPDX-License-Identifier: Apache-2.0
#include "lib/model/origins.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <unordered_set>
#include <utility>

#include "lib/model/object_text.h"

namespace directfaas::model {
namespace {

bool before(const Object& a, const Object& b) {
    return a.index() != b.index() ? a.index() < b.index() : name_of(a) < name_of(b);
}

bool same_name(const Object& a, const Object& b) {
    return a.index() == b.index() && name_of(a) == name_of(b);
}

bool contains(const Origins::Objects& objects, const Object& wanted) {
    const auto found = std::ranges::lower_bound(
        objects, wanted, before, [](const auto& object) -> const Object& { return *object; });
    return found != objects.end() && same_name(**found, wanted);
}

Problem declared_twice(const Object& object, const SourceLine& other) {
    return {Problem::Severity::kError, where_of(object), describe(object),
            fmt::format("it is declared twice, here and at {}", other.text()),
            "Remove or rename one of the two"};
}

/// Appends what turns `old` into `objects`; both are sorted, and neither has a name twice.
void compare(const Origins::Objects& old, std::vector<Object> objects, Origins::Objects& fresh,
             std::vector<ObjectChange>& changes) {
    auto held = old.begin();
    for (auto& object : objects) {
        for (; held != old.end() && before(**held, object); ++held) {
            changes.push_back({held->get(), nullptr});
        }
        const Object* mine = nullptr;
        if (held != old.end() && same_name(**held, object)) {
            mine = (held++)->get();
        }
        if (mine == nullptr || *mine != object) {
            fresh.push_back(std::make_unique<const Object>(std::move(object)));
            changes.push_back({mine, fresh.back().get()});
        }
    }
    for (; held != old.end(); ++held) {
        changes.push_back({held->get(), nullptr});
    }
}

}  // namespace

const Origins::Objects& Origins::objects_of(const std::string& origin) const {
    static const Objects kNothing;
    const auto known = origins_.find(origin);
    return known == origins_.end() ? kNothing : known->second;
}

std::vector<Problem> Origins::duplicates(const std::vector<OriginContent>& contents,
                                         const ObjectIndex& index) const {
    std::vector<const Object*> all;
    for (const auto& content : contents) {
        for (const auto& object : content.objects) {
            all.push_back(&object);
        }
    }
    std::ranges::stable_sort(all, [](const auto* a, const auto* b) { return before(*a, *b); });
    const auto is_replaced = [&](const Object& object) {
        return std::ranges::any_of(contents, [&](const auto& content) {
            return contains(objects_of(content.origin), object);
        });
    };
    std::vector<Problem> problems;
    for (auto it = all.begin(); it != all.end(); ++it) {
        const Object& object = **it;
        if (it != all.begin() && same_name(**std::prev(it), object)) {
            problems.push_back(declared_twice(object, where_of(**std::prev(it))));
        } else if (const auto* other = index.find_same(object); other && !is_replaced(object)) {
            problems.push_back(declared_twice(object, *other));
        }
    }
    return problems;
}

std::expected<Origins::Staged, std::vector<Problem>> Origins::stage(
    std::vector<OriginContent> contents, const ObjectIndex& index) const {
    if (auto problems = duplicates(contents, index); !problems.empty()) {
        return std::unexpected(std::move(problems));
    }
    Staged staged;
    for (auto& [origin, objects] : contents) {
        std::ranges::sort(objects, before);
        auto& fresh = staged.fresh.emplace_back(origin, Objects{}).second;
        compare(objects_of(origin), std::move(objects), fresh, staged.changes);
    }
    return staged;
}

void Origins::commit(Staged staged) {
    std::unordered_set<const Object*> retired;
    for (const auto& change : staged.changes) {
        if (change.before != nullptr) {
            retired.insert(change.before);
        }
    }
    for (auto& [origin, fresh] : staged.fresh) {
        auto& objects = origins_[origin];
        std::erase_if(objects, [&](const auto& object) { return retired.contains(object.get()); });
        std::ranges::move(fresh, std::back_inserter(objects));
        std::ranges::sort(objects, [](const auto& a, const auto& b) { return before(*a, *b); });
        objects.shrink_to_fit();
        if (objects.empty()) {
            origins_.erase(origin);
        }
    }
}

}  // namespace directfaas::model
