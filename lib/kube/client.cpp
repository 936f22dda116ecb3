// SPDX-License-Identifier: Apache-2.0
#include "lib/kube/client.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace directfaas::kube {
namespace {

constexpr std::size_t kPage = 500;
constexpr const char* kJson = "application/json";

}  // namespace

Client::Client(std::unique_ptr<HttpTransport> transport, std::chrono::seconds patience)
    : transport_(std::move(transport)), patience_(patience) {}

Answer<std::string> Client::ask(HttpRequest request) {
    request.idle_timeout = patience_;
    auto answer = transport_->send(request);
    if (!answer) {
        return std::unexpected(api_error(answer.error()));
    }
    if (answer->status < 200 || answer->status > 299) {
        return std::unexpected(api_error(*answer));
    }
    return std::move(answer->body);
}

Answer<std::string> Client::get(const std::string& path) { return ask({.path = path}); }

Answer<Listed> Client::list(const Resource& resource) {
    return list_all(*transport_, resource, "", kPage);
}

Answer<std::string> Client::create(const std::string& path, const std::string& body) {
    return ask({.method = "POST", .path = path, .content_type = kJson, .body = body});
}

Answer<std::string> Client::replace(const std::string& path, const std::string& body) {
    return ask({.method = "PUT", .path = path, .content_type = kJson, .body = body});
}

Answer<std::string> Client::merge(const std::string& path, const std::string& body) {
    return ask({.method = "PATCH",
                .path = path,
                .content_type = "application/merge-patch+json",
                .body = body});
}

Answer<std::string> Client::apply(const std::string& path, const std::string& manager,
                                  const std::string& body) {
    return ask({.method = "PATCH",
                .path = with_query(path, {{"fieldManager", manager}, {"force", "true"}}),
                .content_type = "application/apply-patch+yaml",
                .body = body});
}

Answer<std::string> Client::remove(const std::string& path) {
    auto answer = ask({.method = "DELETE", .path = path});
    return !answer && answer.error().not_found() ? Answer<std::string>("") : answer;
}

std::string object_path(const Resource& resource, const std::string& name,
                        const std::string& part) {
    return fmt::format("{}/{}{}{}", resource.path, url_encoded(name), part.empty() ? "" : "/",
                       part);
}

std::string micro_time(std::chrono::system_clock::time_point time) {
    const auto micros =
        std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(time)), micros % 1000000);
}

}  // namespace directfaas::kube
