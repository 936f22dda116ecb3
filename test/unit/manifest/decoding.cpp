// SPDX-License-Identifier: Apache-2.0
#include "test/unit/manifest/decoding.h"

#include <fmt/format.h>
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

std::string chain_with_spec(std::string_view spec) {
    return fmt::format(
        "apiVersion: directfaas.io/v1alpha1\nkind: FunctionChain\nmetadata: {{name: bookinfo, "
        "namespace: shop}}\n# comment\nspec:\n{}\n",
        spec);
}

std::string chain_error(int line, std::string_view text) {
    return fmt::format("f.yaml:{}: error: FunctionChain shop/bookinfo: {}", line, text);
}

}  // namespace directfaas::manifest
