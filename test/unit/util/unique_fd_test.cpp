// SPDX-License-Identifier: Apache-2.0
// A descriptor has one owner and is closed once.
#include "lib/util/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <utility>

namespace directfaas::util {
namespace {

UniqueFd open_one() { return UniqueFd(eventfd(0, EFD_CLOEXEC)); }
bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

TEST(UniqueFdTest, StartsEmpty) {
    const UniqueFd fd;
    EXPECT_FALSE(fd.valid());
    EXPECT_EQ(fd.get(), -1);
}

TEST(UniqueFdTest, ClosesAtTheEnd) {
    int number = -1;
    {
        const auto fd = open_one();
        number = fd.get();
        EXPECT_TRUE(fd.valid());
        EXPECT_TRUE(is_open(number));
    }
    EXPECT_FALSE(is_open(number));
}

TEST(UniqueFdTest, MovesByConstruction) {
    auto first = open_one();
    const int number = first.get();
    const UniqueFd second(std::move(first));
    EXPECT_FALSE(first.valid());  // NOLINT(bugprone-use-after-move): what is left is the point
    EXPECT_EQ(second.get(), number);
    EXPECT_TRUE(is_open(number));
}

TEST(UniqueFdTest, ClosesWhatItMovesOver) {
    auto first = open_one();
    auto second = open_one();
    const int kept = first.get();
    const int gone = second.get();
    second = std::move(first);
    EXPECT_FALSE(first.valid());  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(second.get(), kept);
    EXPECT_TRUE(is_open(kept));
    EXPECT_FALSE(is_open(gone));
}

TEST(UniqueFdTest, SelfMoveKeepsIt) {
    auto fd = open_one();
    const int number = fd.get();
    auto& same = fd;  // by another name, or the compiler warns
    fd = std::move(same);
    EXPECT_EQ(fd.get(), number);
    EXPECT_TRUE(is_open(number));
}

TEST(UniqueFdTest, ReleaseGivesItUpOpen) {
    auto fd = open_one();
    const UniqueFd other(fd.release());
    EXPECT_FALSE(fd.valid());
    EXPECT_TRUE(is_open(other.get()));
}

TEST(UniqueFdTest, ResetClosesAndTakesAnother) {
    auto fd = open_one();
    auto other = open_one();
    const int first = fd.get();
    const int second = other.get();
    fd.reset(other.release());
    EXPECT_FALSE(is_open(first));
    EXPECT_EQ(fd.get(), second);
    fd.reset();
    EXPECT_FALSE(is_open(second));
    EXPECT_FALSE(fd.valid());
}

}  // namespace
}  // namespace directfaas::util
