// SPDX-License-Identifier: Apache-2.0
// An apiserver of one Secret and one ConfigMap, with conflicts and refusals as a test wants them.
#pragma once

#include <openssl/evp.h>

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "test/unit/kube/fake_apiserver.h"

namespace directfaas::controller {

using Json = nlohmann::json;

// base64, as in a Secret's data.
inline std::string encoded(const std::string& bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    text.resize(static_cast<std::size_t>(EVP_EncodeBlock(
        reinterpret_cast<unsigned char*>(text.data()),
        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()))));
    return text;
}

inline std::string decoded(const std::string& text) {
    std::string bytes(text.size(), '\0');
    const auto size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                      reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()));
    bytes.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    while (!bytes.empty() && bytes.back() == '\0') {
        bytes.pop_back();
    }
    return bytes;
}

/// Holds the Secret and the ConfigMap; a patch with an old version is a conflict.
class Objects {
   public:
    void answer(const kube::FakeRequest& request, kube::FakeAnswer& out) {
        const std::scoped_lock lock(mutex_);
        const auto found = objects_.find(request.path);
        if (found == objects_.end()) {
            out.whole(404, R"({"kind":"Status","code":404,"reason":"NotFound","message":"none"})");
            return;
        }
        auto& object = found->second;
        if (request.method == "GET") {
            out.whole(200, object.dump());
            if (!meanwhile_.is_null()) {
                write(objects_.at(secret_path()), std::exchange(meanwhile_, nullptr));
            }
            return;
        }
        const auto patch = Json::parse(request.body);
        if (request.path == refused_) {
            out.whole(403, "no");
        } else if (patch["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"]) {
            out.whole(409, R"({"kind":"Status","code":409,"reason":"Conflict","message":"late"})");
        } else {
            write(object, patch["data"]);
            out.whole(200, object.dump());
        }
    }
    [[nodiscard]] static std::string path(const std::string& kind) {
        return "/api/v1/namespaces/directfaas-system/" + kind + "/directfaas-ca";
    }
    [[nodiscard]] static std::string secret_path() { return path("secrets"); }

    void make(const std::string& kind) {
        const std::scoped_lock lock(mutex_);
        objects_[path(kind)] = {
            {"metadata", {{"name", "directfaas-ca"}, {"labels", {{"a", "b"}}}}}};
        write(objects_[path(kind)], Json::object());
    }
    void forget(const std::string& kind) {
        const std::scoped_lock lock(mutex_);
        objects_.erase(path(kind));
    }
    /// Somebody writes the Secret after the next read of anything.
    void write_after_next_read(Json data) {
        const std::scoped_lock lock(mutex_);
        meanwhile_ = std::move(data);
    }
    void refuse(const std::string& path) {
        const std::scoped_lock lock(mutex_);
        refused_ = path;
    }
    void put_secret(const Json& data) {
        const std::scoped_lock lock(mutex_);
        write(objects_.at(secret_path()), data);
    }
    [[nodiscard]] Json get(const std::string& kind) {
        const std::scoped_lock lock(mutex_);
        return objects_.at(path(kind));
    }

   private:
    void write(Json& object, const Json& data) {
        object["metadata"]["resourceVersion"] = std::to_string(++version_);
        if (!data.empty()) {
            object["data"].merge_patch(data);
        }
    }

    std::mutex mutex_;
    int version_ = 0;
    std::map<std::string, Json> objects_;
    Json meanwhile_;
    std::string refused_;
};

}  // namespace directfaas::controller
