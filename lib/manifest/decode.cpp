// SPDX-License-Identifier: Apache-2.0
#include "lib/manifest/decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "lib/manifest/kinds.h"
#include "lib/manifest/names.h"
#include "lib/manifest/openfaas.h"
#include "lib/manifest/read.h"

namespace directfaas::manifest {
namespace {

struct KnownKind {
    std::string_view group;
    std::string_view version;
    std::string_view kind;
    ObjectDecoder decode;

    [[nodiscard]] std::string api_version() const {
        return group.empty() ? std::string(version) : fmt::format("{}/{}", group, version);
    }
};

constexpr std::array<KnownKind, 5> kKinds{
    {{"directfaas.io", "v1alpha1", "FunctionChain", decode_function_chain},
     {"", "v1", "Service", decode_service},
     {"discovery.k8s.io", "v1", "EndpointSlice", decode_endpoint_slice},
     {"", "v1", "Pod", decode_pod},
     {"networking.k8s.io", "v1", "NetworkPolicy", decode_network_policy}}};

/// kind and apiVersion of an object; in a typed list (PodList) the items need not repeat them.
struct Type {
    std::string_view group;
    std::string_view version;
    std::string_view kind;
};

class TextDecoder {
   public:
    explicit TextDecoder(const std::string& file) : report_(file) {}

    Decoded decode(std::string_view text) {
        const auto read = manifest::read(text);
        int number = 0;
        bool any = false;
        for (const Node* root : read.tree.documents()) {
            ++number;
            if (root->kind != NodeKind::kNull) {
                any = true;
                object(*root, fmt::format("document {}", number), std::nullopt);
            }
        }
        if (read.error) {
            const Node* root = read.tree.unfinished();
            report_.begin_object(root, label(root, fmt::format("document {}", number + 1), {}, ""));
            report_.error(read.error->line, read.error->message, read.error->advice);
        }
        if (report_.failed()) {
            objects_.clear();
        } else if (!any) {
            report_.begin_object(nullptr, "");
            report_.warning(0, "the file holds no object", "Remove it if it is not needed");
        }
        return {std::move(objects_), report_.take()};
    }

   private:
    static std::string_view quiet_text(const Node* map, std::string_view key) {
        const Node* node = map == nullptr ? nullptr : map->find(key);
        return node == nullptr || node->kind != NodeKind::kScalar ? std::string_view{} : node->text;
    }

    /// "Service shop/reviews" as far as it is known; `place` ("document 3") for the rest.
    static std::string label(const Node* root, const std::string& place, std::string_view kind,
                             std::string_view default_ns = "default") {
        kind = kind.empty() ? quiet_text(root, "kind") : kind;
        const Node* metadata = root == nullptr ? nullptr : root->find("metadata");
        const auto name = quiet_text(metadata, "name");
        if (kind.empty()) {
            return place;
        }
        if (name.empty()) {
            return fmt::format("{} ({})", shortened(kind), place);
        }
        const auto named = quiet_text(metadata, "namespace");
        const auto ns = named.empty() ? default_ns : named;
        return fmt::format("{} {}{}{}", shortened(kind), shortened(ns), ns.empty() ? "" : "/",
                           shortened(name));
    }

    // NOLINTNEXTLINE(misc-no-recursion): lists in lists end with the depth of the text
    void object(const Node& root, const std::string& place, std::optional<Type> listed) {
        report_.begin_object(&root, label(&root, place, listed ? listed->kind : ""));
        if (root.kind != NodeKind::kMap) {
            report_.error(root.where(), "not an object",
                          "Write apiVersion, kind and metadata at the top; begin each object "
                          "with a line \"---\"");
            return;
        }
        const auto type = type_of(root, listed);
        if (!type) {
            return;
        }
        if (is_list(*type)) {
            items(root, place, *type);
            return;
        }
        const auto known = std::ranges::find_if(kKinds, [&](const KnownKind& k) {
            return k.group == type->group && k.version == type->version && k.kind == type->kind;
        });
        if (known == kKinds.end()) {
            not_ours(root, *type);
        } else if (auto decoded = known->decode(root, report_)) {
            add(root, std::move(*decoded));
        }
    }

    void add(const Node& root, model::Object object) {
        std::vector<model::Object> more;
        if (const auto* service = std::get_if<model::Service>(&object)) {
            more = openfaas_chains(root, *service, report_);
        }
        objects_.push_back(std::move(object));
        std::ranges::move(more, std::back_inserter(objects_));
    }

    std::optional<Type> type_of(const Node& root, std::optional<Type> listed) {
        if (listed && root.find("kind") == nullptr && root.find("apiVersion") == nullptr) {
            return listed;
        }
        for (const std::string_view key : {"apiVersion", "kind"}) {
            if (root.find(key) == nullptr) {
                missing(root, key, "Every object needs apiVersion and kind", report_);
                return std::nullopt;
            }
        }
        const auto api = text_member(root, "apiVersion", report_);
        const auto kind = text_member(root, "kind", report_);
        if (!api || !kind) {
            return std::nullopt;
        }
        const auto slash = api->find('/');
        return slash == std::string_view::npos ? Type{.group = "", .version = *api, .kind = *kind}
                                               : Type{.group = api->substr(0, slash),
                                                      .version = api->substr(slash + 1),
                                                      .kind = *kind};
    }

    static bool is_list(const Type& type) {
        return (type.kind == "List" && type.group.empty()) || listed_type(type).has_value();
    }

    /// PodList → Pod, for our kinds.
    static std::optional<Type> listed_type(Type type) {
        if (!type.kind.ends_with("List")) {
            return std::nullopt;
        }
        type.kind.remove_suffix(std::string_view("List").size());
        const bool known = std::ranges::any_of(kKinds, [&](const KnownKind& k) {
            return k.group == type.group && k.kind == type.kind;
        });
        return known ? std::optional(type) : std::nullopt;
    }

    void items(const Node& root, const std::string& place,  // NOLINT(misc-no-recursion)
               const Type& type) {
        const Node* list = list_member(root, "items", TreeBuilder::kMaxNodes, report_);
        int number = 0;
        for (const Node* item = list == nullptr ? nullptr : list->first; item != nullptr;
             item = item->next) {
            object(*item, fmt::format("{}, item {}", place, ++number), listed_type(type));
        }
    }

    void not_ours(const Node& root, const Type& type) {
        const int line = root.find("kind") == nullptr ? root.where() : root.find("kind")->where();
        for (const auto& known : kKinds) {
            // Services of other groups exist (Knative's); our other kinds are ours alone.
            const bool same_group = known.group == type.group;
            if (known.kind == type.kind && (same_group || !known.group.empty())) {
                report_.error(line, fmt::format("apiVersion of {} is not supported", type.kind),
                              fmt::format("Write apiVersion: {}", known.api_version()));
                return;
            }
        }
        if (const auto meant = meant_kind(type)) {
            report_.error(line, fmt::format("kind {} is not known", shortened(type.kind)),
                          fmt::format("Did you mean {}?", *meant));
        } else if (type.group == kKinds[0].group) {
            report_.error(
                line, fmt::format("kind {} is not known in {}", shortened(type.kind), type.group),
                fmt::format("Write kind: {}", kKinds[0].kind));
        } else {
            report_.warning(line, fmt::format("kind {} is ignored", shortened(type.kind)),
                            "DirectFaaS reads FunctionChain, Service, EndpointSlice, Pod and "
                            "NetworkPolicy");
        }
    }

    /// A misspelled kind must not be ignored. Long names are searched in every group.
    static std::optional<std::string_view> meant_kind(const Type& type) {
        std::vector<std::string_view> candidates;
        for (const auto& known : kKinds) {
            if (known.group == type.group || !known.group.empty()) {
                candidates.push_back(known.kind);
            }
        }
        return nearest(type.kind, candidates);
    }

    Report report_;
    std::vector<model::Object> objects_;
};

}  // namespace

bool Decoded::ok() const {
    return std::ranges::none_of(problems, [](const model::Problem& problem) {
        return problem.severity == model::Problem::Severity::kError;
    });
}

Decoded decode(const std::string& file, std::string_view text) {
    return TextDecoder(file).decode(text);
}

}  // namespace directfaas::manifest
