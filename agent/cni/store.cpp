// SPDX-License-Identifier: Apache-2.0
#include "agent/cni/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "lib/util/log.h"

namespace directfaas::cni {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// FNV-1a: no text from outside becomes part of a path.
std::uint64_t hash_of(const Key& key) {
    std::uint64_t hash = 14695981039346656037ULL;
    for (const char byte : key.container + "\n" + key.container_interface) {
        hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211ULL;
    }
    return hash;
}

std::string text_of(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

util::Result<Attachment> attachment_from(const std::string& json) {
    const auto object = Json::parse(json, nullptr, false);
    if (!object.is_object()) {
        return util::fail("an attachment is one JSON object");
    }
    Attachment attachment;
    attachment.key = {text_of(object, "container"), text_of(object, "container_interface")};
    const auto pod = text_of(object, "pod");
    const auto slash = pod.find('/');
    attachment.interface_name = text_of(object, "interface");
    const auto ifindex = object.find("ifindex");
    if (attachment.key.container.empty() || attachment.key.container_interface.empty() ||
        slash == std::string::npos || slash == 0 || slash + 1 == pod.size() ||
        attachment.interface_name.empty() || ifindex == object.end() ||
        !ifindex->is_number_unsigned()) {
        return util::fail(
            "an attachment has container, container_interface, pod (namespace/name), interface "
            "and ifindex");
    }
    attachment.pod = {pod.substr(0, slash), pod.substr(slash + 1)};
    attachment.ifindex = ifindex->get<unsigned>();
    attachment.uid = text_of(object, "uid");
    attachment.netns = text_of(object, "netns");
    for (const auto& item : object.value("addresses", Json::array())) {
        const auto address =
            item.is_string() ? util::IpAddress::parse(item.get<std::string>()) : std::nullopt;
        if (!address) {
            return util::fail("an attachment's addresses are IP addresses without a length");
        }
        attachment.addresses.push_back(*address);
    }
    return attachment;
}

std::optional<Key> key_from(const std::string& json) {
    const auto object = Json::parse(json, nullptr, false);
    if (!object.is_object()) {
        return std::nullopt;
    }
    Key key{text_of(object, "container"), text_of(object, "container_interface")};
    const bool whole = !key.container.empty() && !key.container_interface.empty();
    return whole ? std::optional(std::move(key)) : std::nullopt;
}

std::string to_json(const Attachment& attachment) {
    Json object{{"container", attachment.key.container},
                {"container_interface", attachment.key.container_interface},
                {"pod", attachment.pod.text()},
                {"uid", attachment.uid},
                {"interface", attachment.interface_name},
                {"ifindex", attachment.ifindex},
                {"netns", attachment.netns},
                {"addresses", Json::array()}};
    for (const auto& address : attachment.addresses) {
        object["addresses"].push_back(address.text());
    }
    return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Store::Store(std::string dir, IndexOf index_of)
    : dir_(std::move(dir)), index_of_(std::move(index_of)) {
    load();
}

void Store::load() {
    std::error_code error;
    std::vector<fs::path> stale;
    for (fs::directory_iterator at(dir_, error), end; !error && at != end; at.increment(error)) {
        std::ifstream file(at->path());
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        const auto attachment = attachment_from(text);
        if (!attachment) {
            util::log::warning("{}: {}", at->path().string(), attachment.error().text());
        }
        if (!attachment || !alive(*attachment)) {
            stale.push_back(at->path());
            continue;
        }
        by_pod_[attachment->pod] = attachment->key;
        attachments_[attachment->key] = *attachment;
    }
    for (const auto& path : stale) {
        fs::remove(path, error);
    }
}

bool Store::alive(const Attachment& attachment) const {
    return attachment.ifindex != 0 && index_of_(attachment.interface_name) == attachment.ifindex;
}

std::string Store::path_of(const Key& key) const {
    return fmt::format("{}/{:016x}.json", dir_, hash_of(key));
}

void Store::write(const Attachment& attachment) const {
    std::error_code error;
    fs::create_directories(dir_, error);
    const auto path = path_of(attachment.key);
    {
        std::ofstream file(path + ".draft", std::ios::trunc);
        file << to_json(attachment) << "\n";
        if (!file.flush()) {
            util::log::warning("{}: cannot be written; after a restart this pod is looked for anew",
                               path);
            return;
        }
    }
    fs::rename(path + ".draft", path, error);
}

void Store::add(Attachment attachment) {
    std::vector<Key> replaced;
    for (const auto& [key, other] : attachments_) {
        if (key != attachment.key && other.interface_name == attachment.interface_name) {
            replaced.push_back(key);
        }
    }
    for (const auto& key : replaced) {
        remove(key);
    }
    write(attachment);
    by_pod_[attachment.pod] = attachment.key;
    auto key = attachment.key;
    attachments_.insert_or_assign(std::move(key), std::move(attachment));
}

void Store::remove(const Key& key) {
    const auto found = attachments_.find(key);
    if (found == attachments_.end()) {
        return;
    }
    // A pod's second sandbox may have come before the first one's DEL.
    const auto pod = by_pod_.find(found->second.pod);
    if (pod != by_pod_.end() && pod->second == key) {
        by_pod_.erase(pod);
    }
    std::error_code error;
    fs::remove(path_of(key), error);
    attachments_.erase(found);
}

std::size_t Store::keep_only(const std::vector<Key>& valid) {
    const std::set<Key> named(valid.begin(), valid.end());
    std::vector<Key> stale;
    for (const auto& [key, attachment] : attachments_) {
        if (!named.contains(key)) {
            stale.push_back(key);
        }
    }
    for (const auto& key : stale) {
        remove(key);
    }
    return stale.size();
}

void Store::clear() {
    keep_only({});
    std::error_code error;  // not empty: files of others stay
    fs::remove(dir_, error);
}

void Store::prune() {
    std::vector<Key> stale;
    for (const auto& [key, attachment] : attachments_) {
        if (!alive(attachment)) {
            stale.push_back(key);
        }
    }
    for (const auto& key : stale) {
        remove(key);
    }
}

const Attachment* Store::of(const model::ObjectName& pod) const {
    const auto found = by_pod_.find(pod);
    return found == by_pod_.end() ? nullptr : of(found->second);
}

const Attachment* Store::of(const Key& key) const {
    const auto found = attachments_.find(key);
    return found == attachments_.end() ? nullptr : &found->second;
}

}  // namespace directfaas::cni
