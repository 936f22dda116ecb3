// SPDX-License-Identifier: Apache-2.0
// What happens to the directory as a whole: vanishing, coming back, links on the way to it, and
// ConfigMaps, whose files change by one swap of a link.
#include <fcntl.h>
#include <gmock/gmock.h>

#include <fstream>

#include "test/unit/source/fixture.h"

namespace directfaas::source {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kAway =
    "D: error: the directory is away: No such file or directory. Create it, or mend its "
    "permissions; until then the last good state of its files stays in force";

class SourceDirectory : public SourceTest {
   protected:
    [[nodiscard]] bool away() const { return has_problem("the directory is away"); }

    /// A mounted ConfigMap as kubelet lays it out: files → ..data → ..<generation>.
    void fill_generation(const std::string& name,
                         const std::vector<std::pair<std::string, std::string>>& files) {
        fs::create_directory(file(name));
        for (const auto& [file_name, text] : files) {
            write(name + "/" + file_name, text);
        }
    }
    void point_data_to(const std::string& name) {
        fs::create_symlink(name, file("..data_tmp"));
        fs::rename(file("..data_tmp"), file("..data"));
    }
};

TEST_F(SourceDirectory, ThatDoesNotExistYet) {
    fs::remove(path_);
    start();
    EXPECT_FALSE(source_->complete());
    EXPECT_THAT(problems(), ElementsAre(kAway));
    fs::create_directory(path_);
    EXPECT_TRUE(wait_for([&] { return source_->complete(); }));
    EXPECT_THAT(problems(), IsEmpty());
    write("a.yaml", service("a"));
    expect_in_force("a=1");
}

TEST_F(SourceDirectory, MovedAwayAndBack) {
    write("a.yaml", service("a", 1));
    start();
    fs::rename(path_, temp_.path("elsewhere"));
    ASSERT_TRUE(wait_for([&] { return away(); }));
    EXPECT_EQ(in_force(), "a=1");
    EXPECT_EQ(source_->object_count(), 1U);
    temp_.write("elsewhere/a.yaml", service("a", 2));
    fs::rename(temp_.path("elsewhere"), path_);
    expect_in_force("a=2");
    EXPECT_THAT(problems(), IsEmpty());
    EXPECT_THAT(missed_, IsEmpty());
    replace("a.yaml", service("a", 3));
    expect_in_force("a=3");
}

TEST_F(SourceDirectory, RemovedAndCreatedAnew) {
    write("a.yaml", service("a", 1));
    write("b.yaml", service("b", 1));
    options_.deletion_grace = std::chrono::milliseconds(200);
    start();
    fs::remove_all(path_);  // deletes the files first
    ASSERT_TRUE(wait_for([&] { return away(); }));
    fs::create_directory(path_);
    write("a.yaml", service("a", 2));
    expect_in_force("a=2 b=1");
    // b is missing in a directory that may still be filled: it stays until a rescan's time.
    pass_events();
    EXPECT_EQ(in_force(), "a=2 b=1");
    write("b.yaml", service("b", 2));
    expect_in_force("a=2 b=2");
    EXPECT_THAT(missed_, IsEmpty());
}

TEST_F(SourceDirectory, WhatANewDirectoryLacksGoesAfterARescan) {
    write("a.yaml", service("a", 1));
    write("b.yaml", service("b", 1));
    options_.deletion_grace = std::chrono::milliseconds(20);
    options_.rescan = std::chrono::milliseconds(300);
    start();
    fs::rename(path_, temp_.path("elsewhere"));
    ASSERT_TRUE(wait_for([&] { return away(); }));
    fs::create_directory(path_);
    write("a.yaml", service("a", 2));
    expect_in_force("a=2");
}

TEST_F(SourceDirectory, ReplacedByAnotherInOneStep) {
    write("a.yaml", service("a", 1));
    start();
    fs::create_directory(temp_.path("next"));
    temp_.write("next/a.yaml", service("a", 2));
    // Exchanges the two names; without that, the directory is away for a moment.
    ASSERT_EQ(
        renameat2(AT_FDCWD, temp_.path("next").c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE),
        0);
    expect_in_force("a=2");
    replace("a.yaml", service("a", 3));
    expect_in_force("a=3");
    // The old directory is not watched any more.
    temp_.write("next/b.yaml", service("b", 1));
    pass_events();
    EXPECT_EQ(in_force(), "a=3");
}

TEST_F(SourceDirectory, PathThroughALinkThatIsSwapped) {
    fs::create_directory(temp_.path("v1"));
    fs::create_directory(temp_.path("v2"));
    temp_.write("v1/a.yaml", service("a", 1));
    temp_.write("v1/b.yaml", service("b", 1));
    temp_.write("v2/a.yaml", service("a", 2));
    fs::create_symlink("v1", temp_.path("current"));
    options_.path = temp_.path("current");
    options_.deletion_grace = std::chrono::milliseconds(20);
    start();
    EXPECT_EQ(in_force(), "a=1 b=1");
    fs::create_symlink("v2", temp_.path("current_tmp"));
    fs::rename(temp_.path("current_tmp"), temp_.path("current"));
    expect_in_force("a=2");
    temp_.replace("v2/a.yaml", service("a", 3));
    expect_in_force("a=3");
}

TEST_F(SourceDirectory, TrailingSlashIsNoPartOfFileNames) {
    options_.path = path_ + "//";
    write("a.yaml", "kind: [\n");
    start();
    EXPECT_THAT(problems(), ElementsAre(HasSubstr("D/a.yaml:2: error")));
    replace("a.yaml", service("a"));
    expect_in_force("a=1");
}

TEST_F(SourceDirectory, ThatIsAFile) {
    fs::remove(path_);
    temp_.write("manifests", "x");
    start();
    EXPECT_FALSE(source_->complete());
    EXPECT_TRUE(away());
}

TEST_F(SourceDirectory, ConfigMapSwap) {
    fill_generation("..1", {{"a.yaml", service("a", 1)}, {"b.yaml", service("b", 1)}});
    point_data_to("..1");
    fs::create_symlink("..data/a.yaml", file("a.yaml"));
    fs::create_symlink("..data/b.yaml", file("b.yaml"));
    start();
    EXPECT_EQ(in_force(), "a=1 b=1");

    fill_generation("..2", {{"a.yaml", service("a", 2)}, {"b.yaml", service("b", 2)}});
    pass_events();
    const int before = accepted_;
    point_data_to("..2");
    fs::remove_all(file("..1"));
    expect_in_force("a=2 b=2");
    EXPECT_EQ(accepted_, before + 1);
    EXPECT_THAT(problems(), IsEmpty());
    EXPECT_THAT(missed_, IsEmpty());
}

TEST_F(SourceDirectory, ConfigMapThatGainsAndLosesAFile) {
    fill_generation("..1", {{"a.yaml", service("a", 1)}, {"b.yaml", service("b", 1)}});
    point_data_to("..1");
    fs::create_symlink("..data/a.yaml", file("a.yaml"));
    fs::create_symlink("..data/b.yaml", file("b.yaml"));
    options_.deletion_grace = std::chrono::milliseconds(20);
    start();

    fill_generation("..2", {{"a.yaml", service("a", 2)}, {"c.yaml", service("c", 2)}});
    point_data_to("..2");
    ASSERT_TRUE(wait_for([&] { return in_force() == "a=2 b=1"; }));
    EXPECT_TRUE(has_problem("D/b.yaml: error: the symbolic link leads to nothing"));
    fs::create_symlink("..data/c.yaml", file("c.yaml"));
    remove("b.yaml");
    expect_in_force("a=2 c=2");
    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(SourceDirectory, LostEventsAreMadeUpFor) {
    write("a.yaml", service("a", 1));
    start();
    int queue = 0;
    std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> queue;
    ASSERT_GT(queue, 0);
    write(".x", "");
    // Two names in turn: equal neighbours would be merged.
    for (int i = 0; i < queue / 2 + 1; ++i) {
        rename(".x", ".y");
        rename(".y", ".x");
    }
    replace("a.yaml", service("a", 2));
    expect_in_force("a=2");
}

TEST_F(SourceDirectory, EmptyPathIsRefused) {
    options_.path.clear();
    const auto created = DirectorySource::create(*loop_, options_, {});
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().text(), "the path of the manifest directory is empty");
}

TEST_F(SourceDirectory, NothingRunsAfterTheSource) {
    options_.rescan = std::chrono::milliseconds(10);
    options_.deletion_grace = std::chrono::milliseconds(10);
    write("a.yaml", service("a"));
    start();
    remove("a.yaml");
    ASSERT_TRUE(loop_->run_once(std::chrono::milliseconds(0)));
    source_.reset();
    write("b.yaml", service("b"));
    bool later = false;
    loop_->after(std::chrono::milliseconds(50), [&] { later = true; });
    EXPECT_TRUE(wait_for([&] { return later; }));
    EXPECT_EQ(in_force(), "a=1");
}

}  // namespace
}  // namespace directfaas::source
