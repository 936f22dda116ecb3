// SPDX-License-Identifier: Apache-2.0
// One whole list of a resource, in one page or in many.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/kube/api_error.h"
#include "lib/kube/http_transport.h"
#include "lib/kube/raw_object.h"
#include "lib/kube/resource.h"

namespace directfaas::kube {

/// `items` are views of `pages`.
struct Listed {
    std::vector<std::unique_ptr<const std::string>> pages;
    std::string resource_version;  // of the list: where a watch goes on
    std::vector<RawObject> items;
};

/// `version` "0": any state that the server has at hand; a version: one at least as new; empty: the
/// newest, read from storage in pages of `page_size`. A page that expires meanwhile makes it start
/// anew, unpaged.
Answer<Listed> list_all(HttpTransport& transport, const Resource& resource,
                        const std::string& version, std::size_t page_size);

/// The version that the storage is at, by a list of one object at most.
Answer<std::string> newest_version(HttpTransport& transport, const Resource& resource);

}  // namespace directfaas::kube
