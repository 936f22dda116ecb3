// SPDX-License-Identifier: Apache-2.0
// Errors read like a sentence, with the cause told once.
#include "lib/util/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace directfaas::util {
namespace {

Result<int> failing_call() {
    errno = ENOENT;
    return fail_errno("open the file");
}

TEST(ResultTest, ASystemErrorKeepsItsCode) {
    const auto result = failing_call();
    ASSERT_FALSE(result.has_value());
    errno = EPERM;  // what happens later must not matter
    EXPECT_EQ(result.error().code, ENOENT);
    EXPECT_EQ(result.error().text(), "open the file: No such file or directory");
}

TEST(ResultTest, AnErrorWithoutACallHasNoneToTell) {
    const Result<int> result = fail("the file is empty");
    EXPECT_EQ(result.error().code, 0);
    EXPECT_EQ(result.error().text(), "the file is empty");
}

TEST(ResultTest, ContextGoesInFront) {
    const Result<void> result = pass(failing_call().error(), "read the settings");
    EXPECT_EQ(result.error().code, ENOENT);
    EXPECT_EQ(result.error().text(), "read the settings: open the file: No such file or directory");
}

TEST(ResultTest, HoldsWhatCannotBeCopied) {
    Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
    ASSERT_TRUE(result.has_value());
    EXPECT_EQ(**result, 7);
}

}  // namespace
}  // namespace directfaas::util
