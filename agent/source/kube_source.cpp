// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "agent/source/kube_pods.h"
#include "agent/source/unseen_policies.h"
#include "lib/kube/entry_pods.h"
#include "lib/kube/informer.h"
#include "lib/kube/origins.h"
#include "lib/util/log.h"

namespace directfaas::source {
namespace {

using kube::Kind;
using kube::ModelObject;
using KubeChanges = std::vector<kube::Change<ModelObject>>;

constexpr int kUnauthorized = 401;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;

std::string advice_on(int code) {
    switch (code) {
        case kUnauthorized:
        case kForbidden:
            return "docs/kubernetes.md lists the rights that the agent needs";
        case kNotFound:
            return "Install the CustomResourceDefinition of FunctionChain";
        default:
            return "It is tried again and again";
    }
}

model::Problem trouble(const std::string& cluster, const kube::ReflectorStatus& status,
                       bool synced) {
    using Severity = model::Problem::Severity;
    return {.severity = synced ? Severity::kWarning : Severity::kError,
            .where = {cluster, 0},
            .object = "",
            .message = fmt::format("{}{}", status.trouble,
                                   synced ? "; changes are not seen, the last known state stays in "
                                            "force"
                                          : ""),
            .advice = advice_on(status.trouble_code)};
}

}  // namespace

class KubeSource::Watches {
   public:
    Watches(util::EventLoop& loop, KubeOptions options, Replace replace)
        : loop_(loop),
          options_(std::move(options)),
          entries_(options_.node_name, options_.max_entry_watches),
          origins_(std::move(replace)) {}
    Watches(const Watches&) = delete;
    Watches& operator=(const Watches&) = delete;
    ~Watches() { *alive_ = false; }

    void start() {
        for (const auto kind : {Kind::kFunctionChain, Kind::kService, Kind::kNetworkPolicy}) {
            watch(kind, resource_of(kind));
        }
        auto slices = resource_of(Kind::kEndpointSlice);
        slices.label_selector = "kubernetes.io/service-name";
        watch(Kind::kEndpointSlice, std::move(slices));
        auto pods = resource_of(Kind::kPod);
        pods.field_selector = "spec.nodeName=" + options_.node_name;
        watch(Kind::kPod, std::move(pods));
        unseen_policies_ =
            std::make_unique<UnseenPolicies>(loop_, options_.make_transport(), options_.reflector);
    }

    void rescan() {
        origins_.renew();
        settle_soon();
    }

    [[nodiscard]] std::vector<model::Problem> problems() const {
        auto all = origins_.problems();
        for (const auto& [id, informer] : informers_) {
            const auto status = informer->status();
            if (!status.watching && !status.trouble.empty()) {
                all.insert(all.begin(), trouble(options_.cluster, status, informer->synced()));
            }
        }
        return all;
    }
    [[nodiscard]] std::size_t object_count() const { return origins_.object_count(); }
    [[nodiscard]] bool complete() const { return complete_; }
    [[nodiscard]] std::string unseen_policies() const { return unseen_policies_->text(); }

    [[nodiscard]] std::vector<ChainInForce> chains() const {
        std::vector<ChainInForce> found;
        for (auto& [key, standing] : origins_.in_force(Kind::kFunctionChain)) {
            found.push_back({{std::move(key.ns), std::move(key.name)},
                             standing.generation,
                             std::move(standing.uid)});
        }
        return found;
    }

    [[nodiscard]] std::vector<RefusedHere> refused_here() const {
        std::vector<RefusedHere> refused;
        for (const auto& [key, uid] : accepted_) {
            for (const auto& problem :
                 origins_.problems_of(kube::origin_of(Kind::kFunctionChain, key))) {
                if (problem.severity == model::Problem::Severity::kError) {
                    refused.push_back({{key.ns, key.name}, uid, problem.message});
                    break;
                }
            }
        }
        return refused;
    }
    [[nodiscard]] std::string uid_of(const std::string& object) const {
        const auto* found = origins_.in_force(object);
        return found == nullptr ? "" : found->uid;
    }

   private:
    using Informer = kube::Informer<ModelObject>;
    using WatchId = KubePods::WatchId;

    WatchId watch(Kind kind, kube::Resource resource) {
        const auto id = next_id_++;
        informers_[id] = std::make_unique<Informer>(
            loop_, options_.make_transport(), std::move(resource), options_.reflector,
            [kind](const kube::RawObject& raw) { return kube::to_model(kind, raw); },
            [this, kind, id](KubeChanges changes) { take(kind, id, std::move(changes)); });
        return id;
    }

    void take(Kind kind, WatchId id, KubeChanges changes) {
        for (auto& change : changes) {
            if (kind == Kind::kPod) {
                take_pod(id, std::move(change));
                continue;
            }
            const auto origin = kube::origin_of(kind, change.key);
            if (kind == Kind::kFunctionChain) {
                entries_.take(change);
                note_accepted(change);
            }
            change.object ? origins_.put(origin, std::move(*change.object))
                          : origins_.remove(origin);
        }
        if (kind == Kind::kFunctionChain) {
            watch_entries();
        }
        settle_soon();
    }

    void note_accepted(const kube::Change<ModelObject>& change) {
        if (change.object && change.object->newest_accepted) {
            accepted_[change.key] = change.object->uid;
        } else {
            accepted_.erase(change.key);
        }
    }

    void take_pod(WatchId id, kube::Change<ModelObject> change) {
        change.object ? pods_.put(id, change.key, std::move(*change.object))
                      : pods_.remove(id, change.key);
        offer_pod(change.key);
    }

    void offer_pod(const kube::ObjectKey& key) {
        const auto origin = kube::origin_of(Kind::kPod, key);
        auto pod = pods_.shown(key);
        pod ? origins_.put(origin, std::move(*pod)) : origins_.remove(origin);
    }

    void watch_entries() {
        wanted_entries_ = entries_.resources();
        for (const auto& resource : wanted_entries_) {
            if (!entry_watches_.contains(resource)) {
                entry_watches_[resource] = watch(Kind::kPod, resource);
            }
        }
    }

    /// Watches that are not wanted any more end only when all that are have delivered, so that no
    /// pod is unknown in between.
    void retire_entry_watches() {
        const bool all_there = std::ranges::all_of(wanted_entries_, [this](const auto& resource) {
            return informers_.at(entry_watches_.at(resource))->synced();
        });
        if (!all_there) {
            return;
        }
        for (auto it = entry_watches_.begin(); it != entry_watches_.end();) {
            const auto [resource, id] = *it;
            if (wanted_entries_.contains(resource)) {
                ++it;
                continue;
            }
            informers_.erase(id);
            it = entry_watches_.erase(it);
            for (const auto& key : pods_.remove(id)) {
                offer_pod(key);
            }
        }
    }

    /// What arrives in one turn of the loop is offered together.
    void settle_soon() {
        if (std::exchange(settling_, true)) {
            return;
        }
        loop_.post([this, alive = alive_] {
            if (*alive) {
                settle();
            }
        });
    }

    void settle() {
        settling_ = false;
        retire_entry_watches();
        if (!complete_) {
            complete_ = std::ranges::all_of(
                informers_, [](const auto& watch) { return watch.second->synced(); });
            if (!complete_) {
                return;
            }
            util::log::info("{}: all lists were read", options_.cluster);
        }
        origins_.settle();
    }

    util::EventLoop& loop_;
    KubeOptions options_;
    kube::EntryPods entries_;
    std::map<kube::ObjectKey, std::string> accepted_;  // uids of chains, see refused_here()
    KubePods pods_;
    kube::Origins origins_;
    std::set<kube::Resource> wanted_entries_;
    std::map<kube::Resource, WatchId> entry_watches_;  // these, and those not retired yet
    WatchId next_id_ = 1;
    bool settling_ = false;
    bool complete_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for posted work
    std::map<WatchId, std::unique_ptr<Informer>> informers_;      // last: they use the others
    std::unique_ptr<UnseenPolicies> unseen_policies_;             // from start() on
};

KubeSource::KubeSource(util::EventLoop& loop, KubeOptions options, Replace replace)
    : watches_(std::make_unique<Watches>(loop, std::move(options), std::move(replace))) {}

KubeSource::~KubeSource() = default;

util::Result<void> KubeSource::start() {
    watches_->start();
    return {};
}

void KubeSource::rescan() { watches_->rescan(); }

std::vector<model::Problem> KubeSource::problems() const { return watches_->problems(); }

std::size_t KubeSource::object_count() const { return watches_->object_count(); }

bool KubeSource::complete() const { return watches_->complete(); }

std::string KubeSource::unseen_policies() const { return watches_->unseen_policies(); }

std::vector<ChainInForce> KubeSource::chains() const { return watches_->chains(); }

std::vector<RefusedHere> KubeSource::refused_here() const { return watches_->refused_here(); }

std::string KubeSource::uid_of(const std::string& object) const { return watches_->uid_of(object); }

}  // namespace directfaas::source
