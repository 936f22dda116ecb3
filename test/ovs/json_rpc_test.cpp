// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ovs/json_rpc.h"

#include <gtest/gtest.h>

namespace directfaas::backend::ovs {
namespace {

TEST(OvsJsonRpc, FindsTheEndOfAnObject) {
    EXPECT_EQ(object_end(R"({"a":1}{"b":2})"), 7U);
    EXPECT_EQ(object_end(R"({"a":{"b":"}"}})"), 15U);
    EXPECT_EQ(object_end(R"({"a":"\"}"}x)"), 11U);
    EXPECT_EQ(object_end(R"({"a":1)"), std::string::npos);
    EXPECT_EQ(object_end(R"({"a":"}")"), std::string::npos);
    EXPECT_EQ(object_end(""), std::string::npos);
}

}  // namespace
}  // namespace directfaas::backend::ovs
