// SPDX-License-Identifier: Apache-2.0
#include "lib/kube/lister.h"

#include <iterator>

namespace directfaas::kube {
namespace {

/// Appends one page to `listed` and returns what continues it.
Answer<std::string> add_page(HttpTransport& transport, const Resource& resource,
                             const Parameters& parameters, Listed& listed) {
    auto answer = transport.send({.path = request_path(resource, parameters)});
    if (!answer) {
        return std::unexpected(api_error(answer.error()));
    }
    if (answer->status != kHttpOk) {
        return std::unexpected(api_error(*answer));
    }
    const auto& body =
        listed.pages.emplace_back(std::make_unique<const std::string>(std::move(answer->body)));
    auto page = read_list(*body);
    if (!page) {
        return std::unexpected(api_error(page.error()));
    }
    if (listed.resource_version.empty()) {
        listed.resource_version = std::move(page->resource_version);
    }
    std::ranges::move(page->items, std::back_inserter(listed.items));
    return std::move(page->continuation);
}

Answer<Listed> list_unpaged(HttpTransport& transport, const Resource& resource,
                            const std::string& version) {
    Listed listed;
    Parameters parameters;
    if (!version.empty()) {
        parameters.emplace_back("resourceVersion", version);
    }
    for (;;) {
        auto more = add_page(transport, resource, parameters, listed);
        if (!more) {
            return std::unexpected(more.error());
        }
        if (more->empty()) {
            return listed;
        }
        parameters = {{"continue", *more}};  // nobody asked for pages, but so be it
    }
}

}  // namespace

Answer<Listed> list_all(HttpTransport& transport, const Resource& resource,
                        const std::string& version, std::size_t page_size) {
    if (!version.empty()) {
        return list_unpaged(transport, resource, version);
    }
    Listed listed;
    std::string continuation;
    do {
        Parameters parameters{{"limit", std::to_string(page_size)}};
        if (!continuation.empty()) {
            parameters.emplace_back("continue", continuation);
        }
        auto more = add_page(transport, resource, parameters, listed);
        if (!more) {
            return more.error().expired() && !continuation.empty()
                       ? list_unpaged(transport, resource, version)
                       : std::unexpected(more.error());
        }
        continuation = std::move(*more);
    } while (!continuation.empty());
    return listed;
}

Answer<std::string> newest_version(HttpTransport& transport, const Resource& resource) {
    Listed listed;
    const auto more = add_page(transport, resource, {{"limit", "1"}}, listed);
    return more ? Answer<std::string>(std::move(listed.resource_version))
                : std::unexpected(more.error());
}

}  // namespace directfaas::kube
