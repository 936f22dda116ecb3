// SPDX-License-Identifier: Apache-2.0
#include "agent/source/file_table.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "test/unit/manifest/temp_dir.h"
#include "test/unit/source/fixture.h"

namespace directfaas::source {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using Clock = FileTable::Clock;
using Read = FileTable::Read;

class FileTableTest : public testing::Test {
   protected:
    /// Sets when the file was written, seen from now.
    void set_age(std::string_view name, std::chrono::nanoseconds age) const {
        const auto written = std::chrono::system_clock::now().time_since_epoch() - age;
        const auto seconds = std::chrono::floor<std::chrono::seconds>(written);
        const std::array<timespec, 2> times{
            {{0, UTIME_OMIT}, {seconds.count(), (written - seconds).count()}}};
        ASSERT_EQ(utimensat(AT_FDCWD, dir_.path(name).c_str(), times.data(), 0), 0);
    }

    /// Names of the files whose contents were offered by the last settle(), with their objects.
    std::map<std::string, std::size_t> settle() {
        offered_.clear();
        table_.settle();
        return std::exchange(offered_, {});
    }

    manifest::TempDir dir_;
    std::map<std::string, std::size_t> offered_;
    bool refuse_ = false;
    Clock::time_point now_ = Clock::now();
    FileTable table_{{.path = dir_.path()}, [this](auto contents) {
                         for (const auto& content : contents) {
                             offered_[std::filesystem::path(content.origin).filename()] =
                                 content.objects.size();
                         }
                         return std::vector<model::Problem>(refuse_ ? 1 : 0);
                     }};
};

TEST_F(FileTableTest, QuietLookLeavesAFreshFileAlone) {
    dir_.write("a.yaml", service("a"));
    set_age("a.yaml", -250ms);  // in half a second it will still be fresh
    table_.look("a.yaml", Read::kQuiet, now_);
    EXPECT_THAT(settle(), IsEmpty());
    EXPECT_THAT(table_.take_unquiet(), ElementsAre("a.yaml"));
    EXPECT_THAT(table_.take_unquiet(), IsEmpty());
    table_.look("a.yaml", Read::kNow, now_);
    EXPECT_THAT(settle(), ElementsAre(std::pair("a.yaml", 1U)));
}

TEST_F(FileTableTest, QuietLookReadsAnOldFile) {
    dir_.write("a.yaml", service("a"));
    for (const auto age : {1s, -3600s}) {  // a clock may have been wrong
        set_age("a.yaml", age);
        table_.look("a.yaml", Read::kQuiet, now_);
        EXPECT_THAT(table_.take_unquiet(), IsEmpty());
    }
    EXPECT_THAT(settle(), ElementsAre(std::pair("a.yaml", 1U)));
}

TEST_F(FileTableTest, LookTrustsAnOldStampOnly) {
    // Size, inode and time stay the same while the content changes.
    const auto change = [&](int generation, std::chrono::nanoseconds age) {
        dir_.write("a.yaml", service("a", generation));
        set_age("a.yaml", age);
    };
    change(1, -10ms);
    struct stat fresh{};
    ASSERT_EQ(stat(dir_.path("a.yaml").c_str(), &fresh), 0);
    table_.look("a.yaml", Read::kNow, now_);
    EXPECT_THAT(settle(), ElementsAre(std::pair("a.yaml", 1U)));
    dir_.write("a.yaml", service("a", 2));
    const std::array<timespec, 2> times{{{0, UTIME_OMIT}, fresh.st_mtim}};
    ASSERT_EQ(utimensat(AT_FDCWD, dir_.path("a.yaml").c_str(), times.data(), 0), 0);
    table_.look("a.yaml", Read::kNow, now_);
    EXPECT_THAT(settle(), ElementsAre(std::pair("a.yaml", 1U)));

    change(3, 3600s);
    ASSERT_EQ(stat(dir_.path("a.yaml").c_str(), &fresh), 0);
    table_.look("a.yaml", Read::kNow, now_);
    EXPECT_THAT(settle(), ElementsAre(std::pair("a.yaml", 1U)));
    dir_.write("a.yaml", service("a", 4));
    const std::array<timespec, 2> old{{{0, UTIME_OMIT}, fresh.st_mtim}};
    ASSERT_EQ(utimensat(AT_FDCWD, dir_.path("a.yaml").c_str(), old.data(), 0), 0);
    table_.look("a.yaml", Read::kNow, now_);
    EXPECT_THAT(settle(), IsEmpty());
    table_.read("a.yaml", now_);  // an event is believed more than a stamp
    EXPECT_THAT(settle(), ElementsAre(std::pair("a.yaml", 1U)));
}

TEST_F(FileTableTest, RemovalWaitsForItsTimeAndIsCalledOff) {
    dir_.write("a.yaml", service("a"));
    table_.read("a.yaml", now_);
    settle();
    EXPECT_EQ(table_.next_removal(), std::nullopt);
    std::filesystem::remove(dir_.path("a.yaml"));
    table_.scan({}, Read::kNow, now_ + 1s);
    table_.scan({}, Read::kNow, now_ + 2s);  // the first sight counts
    EXPECT_EQ(table_.next_removal(), now_ + 1s);
    table_.remove_missing(now_ + 999ms);
    EXPECT_THAT(settle(), IsEmpty());

    dir_.write("a.yaml", service("a"));
    table_.read("a.yaml", now_);
    EXPECT_EQ(table_.next_removal(), std::nullopt);
    std::filesystem::remove(dir_.path("a.yaml"));
    table_.read("a.yaml", now_ + 1s);
    table_.keep_missing();
    EXPECT_EQ(table_.next_removal(), std::nullopt);

    table_.read("a.yaml", now_ + 1s);
    table_.remove_missing(now_ + 1s);
    EXPECT_THAT(settle(), ElementsAre(std::pair("a.yaml", 0U)));
    EXPECT_EQ(table_.object_count(), 0U);
}

TEST_F(FileTableTest, FileThatComesBackAfterARefusedRemovalIsOfferedAgain) {
    dir_.write("a.yaml", service("a", 1));
    table_.read("a.yaml", now_);
    settle();
    std::filesystem::remove(dir_.path("a.yaml"));
    table_.read("a.yaml", now_);
    table_.remove_missing(now_);
    refuse_ = true;
    EXPECT_THAT(settle(), ElementsAre(std::pair("a.yaml", 0U)));
    EXPECT_EQ(table_.object_count(), 1U);
    EXPECT_EQ(table_.problems().size(), 1U);
    refuse_ = false;
    dir_.write("a.yaml", service("a", 1));
    table_.read("a.yaml", now_);
    EXPECT_THAT(settle(), ElementsAre(std::pair("a.yaml", 1U)));
    EXPECT_THAT(table_.problems(), IsEmpty());
    EXPECT_EQ(table_.object_count(), 1U);
}

TEST_F(FileTableTest, NewestContentOfARefusedFileCounts) {
    refuse_ = true;
    dir_.write("a.yaml", service("a", 1));
    table_.read("a.yaml", now_);
    settle();
    refuse_ = false;
    dir_.write("a.yaml", "kind: [\n");
    table_.read("a.yaml", now_);
    EXPECT_THAT(settle(), IsEmpty());  // not the older one, which was good
    ASSERT_EQ(table_.problems().size(), 1U);
    EXPECT_EQ(table_.problems()[0].where.line, 2);
}

}  // namespace
}  // namespace directfaas::source
