// SPDX-License-Identifier: Apache-2.0
#include "controller/ca/ca.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "lib/kube/base64.h"
#include "lib/kube/json_text.h"
#include "lib/util/log.h"

namespace directfaas::controller {
namespace {

namespace json = kube::json;

constexpr const char* kBundle = "ca.crt";
constexpr const char* kKeys = "ca.key";
constexpr int kTries = 3;

/// What is no base64 is returned as it is: then it is no PEM either, and that is told.
std::string decoded(const std::string& text) { return kube::from_base64(text).value_or(text); }

std::string path_of(const char* kind, const CaOptions& options) {
    return kube::object_path({.path = fmt::format("/api/v1/namespaces/{}/{}", options.ns, kind)},
                             options.name);
}

std::string version_of(const std::string& object) {
    return json::text_member(json::member(object, "metadata").value_or(""), "resourceVersion");
}

/// A patch that changes nothing if somebody else has written meanwhile.
std::string patch(const std::string& version, nlohmann::json data) {
    return nlohmann::json{{"metadata", {{"resourceVersion", version}}}, {"data", std::move(data)}}
        .dump();
}

std::unexpected<util::Error> failed(const std::string& what, const kube::ApiError& error) {
    return util::fail(fmt::format("{}: {}{}", what, error.text(),
                                  error.not_found() ? ". The chart makes it, empty" : ""));
}

}  // namespace

Ca::Ca(kube::Client& client, CaOptions options, Now now)
    : client_(client), options_(std::move(options)), now_(std::move(now)) {}

kube::Answer<Ca::Held> Ca::read_secret() {
    const auto answer = client_.get(path_of("secrets", options_));
    if (!answer) {
        return std::unexpected(answer.error());
    }
    const auto data = json::member(*answer, "data").value_or("{}");
    return Held{version_of(*answer), decoded(json::text_member(data, kBundle)),
                decoded(json::text_member(data, kKeys))};
}

kube::Answer<std::string> Ca::write_secret(const Held& before, const Authorities& authorities) {
    return client_.merge(path_of("secrets", options_),
                         patch(before.version, {{kBundle, kube::to_base64(authorities.bundle())},
                                                {kKeys, kube::to_base64(authorities.keys())}}));
}

util::Result<std::optional<Authorities>> Ca::agree() {
    const auto secret = fmt::format("Secret {}/{}", options_.ns, options_.name);
    const auto held = read_secret();
    if (!held) {
        return failed(secret, held.error());
    }
    std::vector<std::string> troubles;
    auto authorities = Authorities::read(held->bundle, held->keys, troubles);
    const bool lost_all = authorities.empty() && !troubles.empty();
    const auto changed = authorities.settle(options_.terms, now_());
    if (!changed) {
        return util::pass(changed.error(), secret);
    }
    if (!*changed && troubles.empty()) {
        return std::optional(std::move(authorities));
    }
    if (const auto written = write_secret(*held, authorities); !written) {
        if (written.error().conflict()) {
            return std::optional<Authorities>();
        }
        return failed(secret, written.error());
    }
    if (!troubles.empty()) {
        util::log::warning("{} was damaged and is written anew: {}{}", secret,
                           fmt::join(troubles, "; "),
                           lost_all ? ". Nothing of it could be used: clients have to read the "
                                      "ConfigMap of the same name again"
                                    : "");
    }
    if (*changed) {
        util::log::info("{}: {} certificate authorities are trusted now", secret,
                        authorities.size());
    }
    return std::optional(std::move(authorities));
}

/// The bundle is public: clients read it here.
util::Result<void> Ca::publish(const std::string& bundle) {
    const auto map = fmt::format("ConfigMap {}/{}", options_.ns, options_.name);
    const auto path = path_of("configmaps", options_);
    const auto held = client_.get(path);
    if (!held) {
        return failed(map, held.error());
    }
    if (json::text_member(json::member(*held, "data").value_or("{}"), kBundle) == bundle) {
        return {};
    }
    const auto written = client_.merge(path, patch(version_of(*held), {{kBundle, bundle}}));
    if (!written) {
        return failed(map, written.error());
    }
    return {};
}

util::Result<void> Ca::renew_server(const Authorities& authorities) {
    const auto now = now_();
    const auto& terms = options_.terms;
    const auto& signer = authorities.signer(terms, now);
    if (server_ && signer == signer_ && server_until_ - now >= terms.server_life / 3) {
        return {};
    }
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    const auto signer_until = authorities.signer_until(terms, now);
    const Validity validity{second - terms.skew,
                            std::min<WallTime>(second + terms.server_life, signer_until)};
    auto made = make_server_certificate(signer, options_.server_names, validity);
    if (!made) {
        return std::unexpected(made.error());
    }
    server_ = *std::move(made);
    signer_ = signer;
    server_until_ = validity.until;
    authority_until_ = signer_until;
    return {};
}

void Ca::step() {
    util::Result<std::optional<Authorities>> agreed = std::optional<Authorities>();
    for (int i = 0; i < kTries && agreed && !*agreed; ++i) {
        agreed = agree();
    }
    if (!agreed) {
        trouble_ = agreed.error().text();
        return;
    }
    if (!*agreed) {
        trouble_ =
            fmt::format("Secret {}/{}: somebody else keeps writing it", options_.ns, options_.name);
        return;
    }
    // Nothing is shown that clients cannot have heard of.
    auto done = publish((*agreed)->bundle());
    if (done) {
        done = renew_server(**agreed);
    }
    trouble_ = done ? "" : done.error().text();
}

}  // namespace directfaas::controller
