// SPDX-License-Identifier: Apache-2.0
// An apiserver that holds objects of all kinds and serves them as asked: by resource, namespace and
// selectors. It makes no faults; those are test/unit/kube's.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "test/unit/kube/fake_apiserver.h"

namespace directfaas::source {

struct ClusterObject {
    std::map<std::string, std::string> labels;
    std::string node;  // of pods
    std::string spec;  // JSON members besides metadata
    int generation = 0;
};

class KubeCluster {
   public:
    KubeCluster() = default;
    KubeCluster(const KubeCluster&) = delete;
    KubeCluster& operator=(const KubeCluster&) = delete;
    ~KubeCluster();

    /// `kind` as in paths: "pods". All in namespace `ns`.
    void put(const std::string& kind, const std::string& ns, const std::string& name,
             ClusterObject object);
    void remove(const std::string& kind, const std::string& ns, const std::string& name);

    void chain(const std::string& name, const std::string& spec);
    void service(const std::string& name, const std::string& ip);
    void slice(const std::string& service, const std::string& address);
    void pod(const std::string& name, const std::string& app, const std::string& node,
             const std::string& address);

    /// Lists of this kind are not answered until allow().
    void withhold(const std::string& kind);
    void allow(const std::string& kind);
    /// Lists of this kind are answered with this status and no list, until allow().
    void refuse(const std::string& kind, int status);

    /// "pods spec.nodeName=n1", "shop/pods app=gateway spec.nodeName!=n1": the watches open now.
    [[nodiscard]] std::set<std::string> watches() const;
    /// The last body that was sent to an object of this name; empty: none was.
    [[nodiscard]] std::string written(const std::string& name) const;
    /// Bodies of the Events that were created, in order.
    [[nodiscard]] std::vector<std::string> events() const;
    [[nodiscard]] kube::ClusterAccess access() const { return server_.access(); }

   private:
    using Key = std::tuple<std::string, std::string, std::string>;  // kind, namespace, name
    struct Event {
        std::string type;
        Key key;
        ClusterObject before;
        ClusterObject after;
        std::string text;
    };
    struct Query;

    void answer(const kube::FakeRequest& request, kube::FakeAnswer& out);
    void list(const Query& query, std::unique_lock<std::mutex>& lock, kube::FakeAnswer& out);
    void watch(const Query& query, std::size_t from, std::unique_lock<std::mutex>& lock,
               kube::FakeAnswer& out);
    [[nodiscard]] static std::string text_of(const Key& key, const ClusterObject& object,
                                             std::size_t version);

    mutable std::mutex mutex_;  // of all that follows
    std::condition_variable changed_;
    bool ending_ = false;
    std::map<Key, std::pair<ClusterObject, std::string>> objects_;  // and their texts
    std::vector<Event> events_;                                     // version = index + 2
    std::set<std::string> withheld_;
    std::map<std::string, int> refused_;
    std::multiset<std::string> watches_;
    std::map<std::string, std::string> written_;  // by name
    std::vector<std::string> created_;            // Events

    kube::FakeApiserver server_{
        [this](const kube::FakeRequest& request, kube::FakeAnswer& out) { answer(request, out); }};
};

}  // namespace directfaas::source
