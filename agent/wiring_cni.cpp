// SPDX-License-Identifier: Apache-2.0
// Pods that are being made: the CNI plugin says which interface is whose, and waits until the
// switch is in place there.
#include <net/if.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "agent/cni/pending.h"
#include "agent/wiring.h"
#include "lib/util/log.h"

namespace directfaas {
namespace {

using cni::State;

bool final(const cni::Standing& standing) {
    return standing.state == State::kEnforced || standing.state == State::kNoFunction;
}

}  // namespace

void Agent::open_cni() {
    cni_ = std::make_unique<cni::Store>(options_.socket + ".attached", [](const std::string& name) {
        return if_nametoindex(name.c_str());
    });
}

/// After `detach --all` the next agent finds again what the plugin told; --drain comes before
/// DirectFaaS leaves the node, and nothing may stay.
void Agent::end() {
    if (options_.drain.count() > 0) {
        take_pending_cni();
        cni_->clear();
        std::error_code error;  // not empty: the plugin spoke just now
        std::filesystem::remove(options_.socket + ".pending", error);
    }
    loop_.stop();
}

/// What a pod that is wanted is told about its interface; "" if nobody told.
std::string Agent::told_interface(const model::ObjectName& pod) const {
    const auto* attachment = cni_->of(pod);
    return attachment == nullptr ? "" : attachment->interface_name;
}

/// What is known of a pod's interface, with what the plugin said of it.
model::Link Agent::link_of(const model::ObjectName& pod, const links::FoundLink& found) const {
    // Without carrier the pod's end has not been up yet, so it cannot have open connections.
    model::Link link{found.ifindex, found.carrier};
    const auto* attachment = cni_->of(pod);
    if (attachment != nullptr && attachment->ifindex == found.ifindex) {
        link.told_addresses = attachment->addresses;
        link.adopted = link.adopted && !attachment->fresh;
    }
    return link;
}

void Agent::take_attachment(cni::Attachment attachment) {
    const auto pod = attachment.pod;
    cni_->prune();
    cni_->add(std::move(attachment));
    refresh_pods();
    // Where the interface was found before, nothing about it changed but what is told of it.
    if (const auto found = links_->found(pod.text())) {
        sync_->set_link(pod, link_of(pod, *found));
    }
    sync_->flush();
}

cni::Standing Agent::cni_check(const model::ObjectName& pod, unsigned ifindex) const {
    if (!sync_->status().started) {
        return {State::kUnknownPod, "the agent has not read all objects yet"};
    }
    switch (model().pod_kind(pod)) {
        case model::PodKind::kUnknown:
            return {State::kUnknownPod, "the pod's object has not come to the agent yet"};
        case model::PodKind::kNotInChain:
            return {State::kNoFunction, ""};
        case model::PodKind::kInChain:
            break;
    }
    if (sync_->attached(pod) == ifindex) {
        return {State::kEnforced, ""};
    }
    for (const auto& other : unattached()) {
        if (other.pod == pod.text()) {
            return {State::kNotYet, other.why};
        }
    }
    const auto& error = sync_->status().last_error;
    return {State::kNotYet, error.empty() ? "the switch is not in place yet" : error};
}

void Agent::cni_add(cni::Attachment attachment, std::chrono::milliseconds patience,
                    std::function<void(const cni::Standing&)> done) {
    if (!sync_ || !links_) {
        done({State::kUnknownPod, "the agent is starting"});
        return;
    }
    const auto pod = attachment.pod;
    const auto ifindex = attachment.ifindex;
    take_attachment(std::move(attachment));
    const auto now = cni_check(pod, ifindex);
    if (final(now) || patience.count() == 0) {
        done(now);
        return;
    }
    const auto id = ++last_cni_wait_;
    const auto timer = loop_.after(patience, [this, id] { end_cni_wait(id); });
    cni_waits_.emplace(id, CniWait{pod, ifindex, timer, std::move(done)});
}

/// Answers with what is the case now.
void Agent::end_cni_wait(std::uint64_t id) {
    const auto wait = cni_waits_.extract(id);
    if (wait.empty()) {
        return;
    }
    const auto& waiting = wait.mapped();
    loop_.cancel(waiting.timer);
    waiting.done(cni_check(waiting.pod, waiting.ifindex));
}

void Agent::settle_cni() {
    std::vector<std::uint64_t> over;
    for (const auto& [id, waiting] : cni_waits_) {
        if (final(cni_check(waiting.pod, waiting.ifindex))) {
            over.push_back(id);
        }
    }
    for (const auto id : over) {
        end_cni_wait(id);
    }
}

void Agent::cni_del(const cni::Key& key) {
    if (!sync_ || !links_) {
        return;  // what is stale goes with its interface
    }
    cni_->remove(key);
    refresh_pods();
    sync_->flush();
}

std::size_t Agent::cni_gc(const std::vector<cni::Key>& valid) {
    const auto removed = cni_->keep_only(valid);
    if (removed > 0 && links_) {
        refresh_pods();
        sync_->flush();
    }
    return removed;
}

/// What the plugin left while no agent answered.
void Agent::take_pending_cni() {
    cni::take_pending(options_.socket, [this](const std::string& text) {
        auto attachment = cni::attachment_from(text);
        if (attachment) {
            if (if_nametoindex(attachment->interface_name.c_str()) == attachment->ifindex) {
                take_attachment(*std::move(attachment));
            }
            return;
        }
        if (const auto key = cni::key_from(text)) {
            cni_del(*key);
            return;
        }
        util::log::warning("left by the CNI plugin and not understood: {}", text);
    });
}

}  // namespace directfaas
