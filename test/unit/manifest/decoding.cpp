// SPDX-License-Identifier: Apache-2.0
#include "test/unit/manifest/decoding.h"

#include <gmock/gmock.h>

namespace directfaas::manifest {

std::vector<std::string> problems_of(std::string_view text) {
    const auto decoded = decode("f.yaml", text);
    EXPECT_TRUE(decoded.ok() || decoded.objects.empty()) << "objects beside an error";
    std::vector<std::string> texts;
    for (const auto& problem : decoded.problems) {
        texts.push_back(problem.text());
    }
    return texts;
}

std::vector<model::Object> objects_of(std::string_view text) {
    auto decoded = decode("f.yaml", text);
    EXPECT_THAT(problems_of(text), testing::IsEmpty());
    return std::move(decoded.objects);
}

}  // namespace directfaas::manifest
