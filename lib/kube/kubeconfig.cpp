// SPDX-License-Identifier: Apache-2.0
// The part of a kubeconfig that needs nobody else: certificates and tokens.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "lib/kube/base64.h"
#include "lib/kube/cluster_access.h"
#include "lib/manifest/read.h"
#include "lib/util/number.h"

namespace directfaas::kube {
namespace {

using manifest::Node;
using manifest::NodeKind;

/// What this client cannot do, and kubectl can.
constexpr auto kRefusedOfUser = std::to_array<std::string_view>(
    {"exec", "auth-provider", "as", "as-groups", "as-uid", "as-user-extra", "username"});
constexpr auto kRefusedOfCluster =
    std::to_array<std::string_view>({"proxy-url", "tls-server-name"});

std::string text_of(const Node* map, std::string_view key) {
    const Node* node = map == nullptr ? nullptr : map->find(key);
    return node == nullptr || node->kind != NodeKind::kScalar ? "" : std::string(node->text);
}

util::Result<std::string> decoded(const std::string& text, std::string_view what) {
    auto bytes = from_base64(text);
    if (!bytes) {
        return util::fail(fmt::format("{} is not base64", what));
    }
    return *std::move(bytes);
}

class Reading {
   public:
    Reading(const std::string& path, const Node& root) : path_(path), root_(root) {}

    util::Result<ClusterAccess> access(std::string context_name) {
        if (context_name.empty()) {
            context_name = text_of(&root_, "current-context");
        }
        if (context_name.empty()) {
            return util::fail(
                "there is no current-context; name one, or run kubectl config "
                "use-context NAME");
        }
        const Node* context = named("contexts", context_name, "context");
        if (context == nullptr) {
            return util::fail(fmt::format("there is no context {}", context_name));
        }
        const auto cluster_name = text_of(context, "cluster");
        const auto user_name = text_of(context, "user");
        const Node* cluster = named("clusters", cluster_name, "cluster");
        const Node* user = named("users", user_name, "user");
        if (cluster == nullptr || (user == nullptr && !user_name.empty())) {
            return util::fail(fmt::format("context {} names {} {}, which is not there",
                                          context_name, cluster == nullptr ? "cluster" : "user",
                                          cluster == nullptr ? cluster_name : user_name));
        }
        ClusterAccess access;
        if (auto ns = text_of(context, "namespace"); !ns.empty()) {
            access.ns = std::move(ns);
        }
        for (auto step : {read_cluster(*cluster, access),
                          user == nullptr ? util::Result<void>() : read_user(*user, access)}) {
            if (!step) {
                return std::unexpected(step.error());
            }
        }
        return access;
    }

   private:
    [[nodiscard]] const Node* named(std::string_view list_key, std::string_view name,
                                    std::string_view key) const {
        const Node* list = root_.find(list_key);
        for (const Node* item = list == nullptr ? nullptr : list->first; item != nullptr;
             item = item->next) {
            if (text_of(item, "name") == name) {
                return item->find(key);
            }
        }
        return nullptr;
    }

    template <std::size_t kSize>
    [[nodiscard]] util::Result<void> refuse(const Node& map,
                                            const std::array<std::string_view, kSize>& keys) const {
        for (const auto key : keys) {
            if (map.find(key) != nullptr) {
                return util::fail(fmt::format(
                    "line {}: {} is not supported here; use kubectl, which is (`kubectl proxy` "
                    "serves the apiserver on a local address), or a certificate or token",
                    map.find(key)->where(), key));
            }
        }
        return {};
    }

    util::Result<void> read_cluster(const Node& cluster, ClusterAccess& access) {
        if (auto refused = refuse(cluster, kRefusedOfCluster); !refused) {
            return refused;
        }
        access.verify = text_of(&cluster, "insecure-skip-tls-verify") != "true";
        if (auto server = read_server(text_of(&cluster, "server"), access); !server) {
            return server;
        }
        return read_pem(cluster, "certificate-authority", access.ca);
    }

    util::Result<void> read_user(const Node& user, ClusterAccess& access) {
        if (auto refused = refuse(user, kRefusedOfUser); !refused) {
            return refused;
        }
        access.token = text_of(&user, "token");
        if (const auto file = text_of(&user, "tokenFile"); !file.empty()) {
            access.token_file = beside(file);
        }
        if (auto read = read_pem(user, "client-certificate", access.client_certificate); !read) {
            return read;
        }
        return read_pem(user, "client-key", access.client_key);
    }

    /// Paths are relative to the kubeconfig.
    [[nodiscard]] std::string beside(const std::string& file) const {
        const auto slash = path_.rfind('/');
        return file.starts_with('/') || slash == std::string::npos
                   ? file
                   : path_.substr(0, slash + 1) + file;
    }

    util::Result<void> read_pem(const Node& map, const std::string& key, Pem& pem) {
        if (const auto data = text_of(&map, key + "-data"); !data.empty()) {
            auto bytes = decoded(data, key + "-data");
            if (!bytes) {
                return std::unexpected(bytes.error());
            }
            pem.data = std::move(*bytes);
        } else if (const auto file = text_of(&map, key); !file.empty()) {
            pem.file = beside(file);
        }
        return {};
    }

    static util::Result<void> read_server(std::string server, ClusterAccess& access) {
        const auto wrong = [&] {
            return util::fail(fmt::format("server is \"{}\", not like https://host:6443", server));
        };
        std::string_view rest = server;
        access.tls = rest.starts_with("https://");
        if (!access.tls && !rest.starts_with("http://")) {
            return wrong();
        }
        rest.remove_prefix(access.tls ? 8 : 7);
        const auto slash = std::min(rest.find('/'), rest.size());
        access.base_path = rest.substr(slash);
        while (access.base_path.ends_with('/')) {
            access.base_path.pop_back();
        }
        std::string_view host = rest.substr(0, slash);
        const auto bracket = host.find(']');
        const auto colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
        access.port = access.tls ? 443 : 80;
        if (colon != std::string_view::npos) {
            const auto port = util::parse_number<std::uint16_t>(host.substr(colon + 1));
            if (!port) {
                return wrong();
            }
            access.port = *port;
            host = host.substr(0, colon);
        }
        if (host.starts_with('[') && host.ends_with(']')) {
            host = host.substr(1, host.size() - 2);
        }
        access.host = host;
        return host.empty() ? wrong() : util::Result<void>();
    }

    const std::string& path_;
    const Node& root_;
};

}  // namespace

util::Result<ClusterAccess> from_kubeconfig(const std::string& path, const std::string& context) {
    const auto text = read_credential(path);
    if (!text) {
        return util::pass(text.error(), "kubeconfig");
    }
    const auto read = manifest::read(*text);
    if (read.error) {
        return util::fail(
            fmt::format("kubeconfig {}:{}: {}", path, read.error->line, read.error->message));
    }
    const auto& documents = read.tree.documents();
    if (documents.empty() || documents.front()->kind != NodeKind::kMap) {
        return util::fail(fmt::format("kubeconfig {} is empty", path));
    }
    auto access = Reading(path, *documents.front()).access(context);
    if (!access) {
        return util::pass(access.error(), "kubeconfig " + path);
    }
    return access;
}

}  // namespace directfaas::kube
