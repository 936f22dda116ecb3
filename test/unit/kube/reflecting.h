// SPDX-License-Identifier: Apache-2.0
// A reflector, its scripted apiserver, and what it made of it.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <memory>

#include "lib/kube/httplib_transport.h"
#include "lib/kube/reflector.h"
#include "test/support/wait.h"
#include "test/unit/kube/script.h"

namespace directfaas::kube {

class ReflectorTest : public testing::Test {
   protected:
    void start() {
        reflector_ = std::make_unique<Reflector>(transports_to(server_.access())(), resource_,
                                                 sink_, options_);
        reflector_->start();
    }
    void expect(const std::string& wanted) { EXPECT_EQ(sink_.becomes(wanted), wanted); }
    /// The requests up to and including the `count`th.
    std::vector<std::string> first_requests(std::size_t count) {
        EXPECT_TRUE(support::wait_until([&] { return script_.requests().size() >= count; }));
        auto requests = script_.requests();
        requests.resize(std::min(count, requests.size()));
        return requests;
    }
    [[nodiscard]] std::uint64_t relists(const std::string& reason) const {
        const auto counted = reflector_->status().relists;
        const auto found = counted.find(reason);
        return found == counted.end() ? 0 : found->second;
    }

    Script script_;
    FakeApiserver server_{[this](const FakeRequest& request, FakeAnswer& answer) {
        script_.answer(request, answer);
    }};
    Resource resource_{.path = "/api/v1/pods", .label_selector = "", .field_selector = ""};
    ReflectorOptions options_ = quick();
    ShowingSink sink_;
    std::unique_ptr<Reflector> reflector_;
};

}  // namespace directfaas::kube
