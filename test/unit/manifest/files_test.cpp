// SPDX-License-Identifier: Apache-2.0
#include "lib/manifest/files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "lib/util/unique_fd.h"
#include "test/unit/manifest/temp_dir.h"

namespace directfaas::manifest {
namespace {

using testing::ElementsAre;

class Files : public testing::Test {
   protected:
    /// State and message of a file in the directory.
    [[nodiscard]] std::string judged(std::string_view name,
                                     std::size_t limit = kMaxFileBytes) const {
        const auto file = read_file(dir_.path(name), limit);
        switch (file.state) {
            case FileState::kRead:
                return "read: " + file.text;
            case FileState::kAbsent:
                return "absent: " + file.problem.message;
            case FileState::kUnusable:
                return "unusable: " + file.problem.message;
        }
        return {};
    }

    TempDir dir_;
};

TEST_F(Files, ReadsWithinTheLimit) {
    dir_.write("a.yaml", "12345");
    EXPECT_EQ(judged("a.yaml", 5), "read: 12345");
    EXPECT_EQ(judged("a.yaml", 4), "unusable: the file has 5 bytes, more than 4");
    dir_.write("empty.yaml", "");
    EXPECT_EQ(judged("empty.yaml"), "read: ");
}

TEST_F(Files, ReadsFilesThatClaimToBeEmpty) {
    // Files of /proc have size 0 and content: what counts is what was read.
    const auto whole = read_file("/proc/self/status", kMaxFileBytes);
    EXPECT_EQ(whole.state, FileState::kRead);
    EXPECT_FALSE(whole.text.empty());
    const auto cut = read_file("/proc/self/status", 10);
    EXPECT_EQ(cut.state, FileState::kUnusable);
    EXPECT_EQ(cut.problem.message, "the file has more than 10 bytes");
}

TEST_F(Files, TellsAbsentFromBrokenLink) {
    EXPECT_EQ(judged("a.yaml"), "absent: the file does not exist");
    std::filesystem::create_symlink("nowhere", dir_.path("a.yaml"));
    EXPECT_EQ(judged("a.yaml"), "unusable: the symbolic link leads to nothing");
    std::filesystem::create_symlink("b.yaml", dir_.path("b.yaml"));
    EXPECT_EQ(judged("b.yaml"),
              "unusable: the file cannot be read: Too many levels of symbolic links");
    EXPECT_EQ(judged("none/a.yaml"), "absent: the file does not exist");
}

TEST_F(Files, FollowsLinks) {
    dir_.write("target", "x");
    std::filesystem::create_symlink("target", dir_.path("a.yaml"));
    EXPECT_EQ(judged("a.yaml"), "read: x");
}

TEST_F(Files, NeverBlocksOnWhatIsNoFile) {
    ASSERT_EQ(mkfifo(dir_.path("fifo.yaml").c_str(), 0600), 0);
    EXPECT_EQ(judged("fifo.yaml"), "unusable: is a FIFO, not a file");
    std::filesystem::create_directory(dir_.path("dir.yaml"));
    EXPECT_EQ(judged("dir.yaml"), "unusable: is a directory, not a file");
    std::filesystem::create_symlink("/dev/null", dir_.path("device.yaml"));
    EXPECT_EQ(judged("device.yaml"), "unusable: is a device, not a file");

    const util::UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    dir_.path("s.yaml").copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(judged("s.yaml"), "unusable: is a socket, not a file");
}

TEST_F(Files, StampTellsStatesApart) {
    dir_.write("a.yaml", "1");
    const auto first = stat_file(dir_.path("a.yaml"), kMaxFileBytes);
    EXPECT_EQ(read_file(dir_.path("a.yaml"), kMaxFileBytes).stamp, first.stamp);
    dir_.replace("a.yaml", "2");
    const auto replaced = stat_file(dir_.path("a.yaml"), kMaxFileBytes).stamp;
    EXPECT_NE(replaced, first.stamp);
    const std::array<timespec, 2> times{{{0, UTIME_OMIT}, {1, 5}}};
    ASSERT_EQ(utimensat(AT_FDCWD, dir_.path("a.yaml").c_str(), times.data(), 0), 0);
    EXPECT_EQ(stat_file(dir_.path("a.yaml"), kMaxFileBytes).stamp.modified_ns, 1'000'000'005);
}

TEST_F(Files, ListsManifestsSorted) {
    for (const std::string_view name :
         {"b.yaml", "a.yml", "c.json", ".hidden.yaml", "d.txt", "yaml", "e.yaml~", "F.YAML"}) {
        dir_.write(name, "");
    }
    const auto names = list_manifests(dir_.path());
    ASSERT_TRUE(names);
    EXPECT_THAT(*names, ElementsAre("a.yml", "b.yaml", "c.json"));
}

TEST_F(Files, ListingFailsWithItsReason) {
    const auto names = list_manifests(dir_.path("none"));
    ASSERT_FALSE(names);
    EXPECT_EQ(names.error().text(), "the directory cannot be read: No such file or directory");
}

TEST(Paths, AreJoinedWithOneSlash) {
    EXPECT_EQ(join_path("/a", "b"), "/a/b");
    EXPECT_EQ(join_path("/a//", "b"), "/a/b");
    EXPECT_EQ(join_path("/", "b"), "/b");
    EXPECT_EQ(join_path("a/", ""), "a");
    EXPECT_EQ(join_path("/", ""), "/");
}

}  // namespace
}  // namespace directfaas::manifest
