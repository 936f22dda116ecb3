// SPDX-License-Identifier: Apache-2.0
#include "test/unit/source/kube_cluster.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

namespace directfaas::source {
namespace {

constexpr std::chrono::milliseconds kLook{20};  // whether a watch's client has gone

}  // namespace

/// What a request asks for.
struct KubeCluster::Query {
    std::string kind;
    std::string ns;
    std::string labels;
    std::string fields;

    static Query of(const kube::FakeRequest& request) {
        Query query;
        const auto& path = request.path;
        query.kind = path.substr(path.rfind('/') + 1);
        constexpr std::string_view kNamespaces = "/namespaces/";
        if (const auto at = path.find(kNamespaces); at != std::string::npos) {
            const auto begin = at + kNamespaces.size();
            query.ns = path.substr(begin, path.find('/', begin) - begin);
        }
        const auto text = [&](const char* name) {
            return request.query.contains(name) ? request.parameter(name) : "";
        };
        query.labels = text("labelSelector");
        query.fields = text("fieldSelector");
        return query;
    }

    [[nodiscard]] std::string text() const {
        return fmt::format("{}{}{}{}{}{}{}", ns, ns.empty() ? "" : "/", kind,
                           labels.empty() ? "" : " ", labels, fields.empty() ? "" : " ", fields);
    }

    [[nodiscard]] bool selects(const Key& key, const ClusterObject& object) const {
        return std::get<0>(key) == kind && (ns.empty() || std::get<1>(key) == ns) &&
               has_labels(object) && has_node(object);
    }

   private:
    [[nodiscard]] bool has_labels(const ClusterObject& object) const {
        for (std::string_view rest = labels; !rest.empty();) {
            const auto term = rest.substr(0, rest.find(','));
            rest.remove_prefix(std::min(term.size() + 1, rest.size()));
            const auto equals = term.find('=');
            const auto found = object.labels.find(std::string(term.substr(0, equals)));
            if (found == object.labels.end() ||
                (equals != std::string_view::npos && found->second != term.substr(equals + 1))) {
                return false;
            }
        }
        return true;
    }
    [[nodiscard]] bool has_node(const ClusterObject& object) const {
        const auto equals = fields.find('=');
        if (equals == std::string::npos) {
            return true;
        }
        const bool same = object.node == fields.substr(equals + 1);
        return fields[equals - 1] == '!' ? !same : same;
    }
};

KubeCluster::~KubeCluster() {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
    changed_.notify_all();
}

std::string KubeCluster::text_of(const Key& key, const ClusterObject& object, std::size_t version) {
    std::vector<std::string> labels;
    for (const auto& [name, value] : object.labels) {
        labels.push_back(fmt::format(R"("{}":"{}")", name, value));
    }
    return fmt::format(
        R"({{"metadata":{{"name":"{}","namespace":"{}","uid":"{}","resourceVersion":"{}","generation":{},"labels":{{{}}}}},{}}})",
        std::get<2>(key), std::get<1>(key), std::get<2>(key), version, object.generation,
        fmt::join(labels, ","), object.spec);
}

void KubeCluster::put(const std::string& kind, const std::string& ns, const std::string& name,
                      ClusterObject object) {
    const std::scoped_lock lock(mutex_);
    const Key key{kind, ns, name};
    auto text = text_of(key, object, events_.size() + 2);
    auto& [before, old_text] = objects_[key];
    events_.push_back({old_text.empty() ? "ADDED" : "MODIFIED", key,
                       old_text.empty() ? object : before, object, text});
    before = std::move(object);
    old_text = std::move(text);
    changed_.notify_all();
}

void KubeCluster::remove(const std::string& kind, const std::string& ns, const std::string& name) {
    const std::scoped_lock lock(mutex_);
    const Key key{kind, ns, name};
    const auto object = objects_.at(key).first;
    objects_.erase(key);
    events_.push_back({"DELETED", key, object, object, text_of(key, object, events_.size() + 2)});
    changed_.notify_all();
}

void KubeCluster::chain(const std::string& name, const std::string& spec) {
    put("functionchains", "shop", name,
        {.labels = {}, .node = "", .spec = fmt::format(R"("spec":{{{}}})", spec)});
}

void KubeCluster::service(const std::string& name, const std::string& ip) {
    put("services", "shop", name,
        {.labels = {},
         .node = "",
         .spec = fmt::format(
             R"("spec":{{"clusterIP":"{0}","clusterIPs":["{0}"],"selector":{{"app":"{1}"}},"ports":[{{"port":80}}]}})",
             ip, name)});
}

void KubeCluster::slice(const std::string& service, const std::string& address) {
    put("endpointslices", "shop", service + "-1",
        {.labels = {{"kubernetes.io/service-name", service}},
         .node = "",
         .spec = fmt::format(
             R"("addressType":"IPv4","ports":[{{"port":8080}}],"endpoints":[{{"addresses":["{}"]}}])",
             address)});
}

void KubeCluster::pod(const std::string& name, const std::string& app, const std::string& node,
                      const std::string& address) {
    put("pods", "shop", name,
        {.labels = {{"app", app}},
         .node = node,
         .spec = fmt::format(
             R"("spec":{{"nodeName":"{}"}},"status":{{"phase":"Running","podIPs":[{{"ip":"{}"}}]}})",
             node, address)});
}

void KubeCluster::withhold(const std::string& kind) {
    const std::scoped_lock lock(mutex_);
    withheld_.insert(kind);
}

void KubeCluster::refuse(const std::string& kind, int status) {
    const std::scoped_lock lock(mutex_);
    refused_[kind] = status;
}

void KubeCluster::allow(const std::string& kind) {
    const std::scoped_lock lock(mutex_);
    withheld_.erase(kind);
    refused_.erase(kind);
    changed_.notify_all();
}

std::set<std::string> KubeCluster::watches() const {
    const std::scoped_lock lock(mutex_);
    return {watches_.begin(), watches_.end()};
}

std::string KubeCluster::written(const std::string& name) const {
    const std::scoped_lock lock(mutex_);
    const auto found = written_.find(name);
    return found == written_.end() ? "" : found->second;
}

std::vector<std::string> KubeCluster::events() const {
    const std::scoped_lock lock(mutex_);
    return created_;
}

void KubeCluster::answer(const kube::FakeRequest& request, kube::FakeAnswer& out) {
    const auto query = Query::of(request);
    std::unique_lock lock(mutex_);
    if (request.method == "POST") {
        created_.push_back(request.body);
        out.whole(201, request.body);
    } else if (request.method == "PATCH") {
        written_[query.kind] = request.body;
        out.whole(200, request.body);
    } else if (request.is_watch()) {
        watch(query, std::stoul(request.parameter("resourceVersion")), lock, out);
    } else {
        list(query, lock, out);
    }
}

void KubeCluster::list(const Query& query, std::unique_lock<std::mutex>& lock,
                       kube::FakeAnswer& out) {
    while (withheld_.contains(query.kind) && !ending_ && !out.gone()) {
        changed_.wait_for(lock, kLook);
    }
    if (const auto refused = refused_.find(query.kind); refused != refused_.end()) {
        out.whole(refused->second, "no");
        return;
    }
    std::vector<std::string> items;
    for (const auto& [key, object] : objects_) {
        if (query.selects(key, object.first)) {
            items.push_back(object.second);
        }
    }
    out.whole(200, fmt::format(R"({{"metadata":{{"resourceVersion":"{}"}},"items":[{}]}})",
                               events_.size() + 1, fmt::join(items, ",")));
}

/// An object that comes to match is ADDED, one that ceases to is DELETED, as a real one says.
void KubeCluster::watch(const Query& query, std::size_t from, std::unique_lock<std::mutex>& lock,
                        kube::FakeAnswer& out) {
    const auto shown = watches_.insert(query.text());
    out.begin();
    for (auto next = from - 1; !ending_ && !out.gone();) {
        if (next == events_.size()) {
            changed_.wait_for(lock, kLook);
            continue;
        }
        const auto& event = events_[next++];
        const bool was = event.type != "ADDED" && query.selects(event.key, event.before);
        const bool is = event.type != "DELETED" && query.selects(event.key, event.after);
        if (was || is) {
            const auto* type = !is ? "DELETED" : !was ? "ADDED" : "MODIFIED";
            out.line(fmt::format(R"({{"type":"{}","object":{}}})", type, event.text));
        }
    }
    watches_.erase(shown);
    out.close();
}

}  // namespace directfaas::source
