// SPDX-License-Identifier: Apache-2.0
// What happens to single files: written, replaced, half written, removed, and the tricks of
// editors.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "lib/util/unique_fd.h"
#include "test/unit/source/fixture.h"

namespace directfaas::source {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SourceFiles : public SourceTest {};

TEST_F(SourceFiles, FirstScanIsDoneWhenStartReturns) {
    write("a.yaml", service("a") + service("b"));
    write("c.json", R"({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "c"},
                        "spec": {"clusterIP": "10.9.0.7", "ports": [{"port": 80}]}})");
    write("d.yml", service("d"));
    write("e.txt", service("e"));
    start();
    EXPECT_EQ(in_force(), "a=1 b=1 c=7 d=1");
    EXPECT_EQ(source_->object_count(), 4U);
    EXPECT_TRUE(source_->complete());
    EXPECT_THAT(problems(), IsEmpty());
    EXPECT_EQ(accepted_, 1);
}

TEST_F(SourceFiles, RenamedFileIsTakenByItsEvent) {
    start();
    EXPECT_EQ(in_force(), "");
    replace("a.yaml", service("a", 1));
    expect_in_force("a=1");
    replace("a.yaml", service("a", 2) + service("b", 2));
    expect_in_force("a=2 b=2");
    EXPECT_EQ(source_->object_count(), 2U);
    EXPECT_THAT(missed_, IsEmpty());
}

TEST_F(SourceFiles, FileWrittenInPlaceIsTakenWhenItIsClosed) {
    write("a.yaml", service("a", 1));
    start();
    const auto text = service("a", 2) + service("b", 2);
    const auto half = service("a", 2).size();
    util::UniqueFd writer(open(file("a.yaml").c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
    ASSERT_EQ(::write(writer.get(), text.data(), half), static_cast<ssize_t>(half));
    pass_events();
    EXPECT_EQ(in_force(), "a=1");
    const auto rest = text.size() - half;
    ASSERT_EQ(::write(writer.get(), text.data() + half, rest), static_cast<ssize_t>(rest));
    writer.reset();
    expect_in_force("a=2 b=2");
}

TEST_F(SourceFiles, BrokenFileKeepsItsLastGoodState) {
    write("a.yaml", service("a", 1));
    start();
    write("a.yaml", service("a", 2) + "---\nkind: [\n");
    ASSERT_TRUE(wait_for([&] { return !problems().empty(); }));
    EXPECT_THAT(problems(), ElementsAre(HasSubstr("D/a.yaml:12: error: document 2: not valid "
                                                  "YAML: end of sequence flow not found")));
    EXPECT_EQ(in_force(), "a=1");
    EXPECT_EQ(source_->object_count(), 1U);
    write("a.yaml", service("a", 3));
    expect_in_force("a=3");
    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(SourceFiles, EmptiedFileKeepsItsLastGoodState) {
    write("a.yaml", service("a", 1));
    start();
    write("a.yaml", "\n");
    ASSERT_TRUE(wait_for([&] { return !problems().empty(); }));
    EXPECT_THAT(problems(), ElementsAre("D/a.yaml: error: the file is empty; its last good state "
                                        "stays in force. Remove the file if its objects shall "
                                        "go"));
    EXPECT_EQ(in_force(), "a=1");
    write("a.yaml", "# no object on purpose\n");
    expect_in_force("");
}

TEST_F(SourceFiles, SameContentIsNoChange) {
    write("a.yaml", service("a"));
    start();
    const int before = accepted_;
    write("a.yaml", service("a"));
    replace("a.yaml", service("a"));
    pass_events();
    EXPECT_EQ(accepted_, before + 1);  // the marker's own
}

TEST_F(SourceFiles, TwoWritesWithinATickOfTheClockAreBothSeen) {
    write("a.yaml", service("a", 1));
    start();
    for (int generation = 2; generation < 10; ++generation) {
        write("a.yaml", service("a", generation));
    }
    expect_in_force("a=9");
}

TEST_F(SourceFiles, RemovedFileIsADeletion) {
    write("a.yaml", service("a"));
    write("b.yaml", service("b"));
    options_.deletion_grace = std::chrono::milliseconds(20);
    start();
    remove("a.yaml");
    expect_in_force("b=1");
    EXPECT_EQ(source_->object_count(), 1U);
    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(SourceFiles, RemovedBrokenFileTakesItsProblemAlong) {
    write("a.yaml", "kind: [\n");
    options_.deletion_grace = std::chrono::milliseconds(20);
    start();
    EXPECT_FALSE(problems().empty());
    remove("a.yaml");
    EXPECT_TRUE(wait_for([&] { return problems().empty(); }));
}

TEST_F(SourceFiles, RemovedFileStaysInForceForTheGrace) {
    write("a.yaml", service("a"));
    start();
    remove("a.yaml");
    pass_events();
    EXPECT_EQ(in_force(), "a=1");
}

TEST_F(SourceFiles, EditorThatRenamesTheOldFileAway) {
    write("a.yaml", service("a", 1));
    start();
    rename("a.yaml", "a.yaml~");
    pass_events();
    write("a.yaml", service("a", 2));
    expect_in_force("a=2");
    remove("a.yaml~");
    pass_events();
    EXPECT_EQ(in_force(), "a=2");
    EXPECT_THAT(missed_, IsEmpty());
}

TEST_F(SourceFiles, EditorThatDeletesAndCreates) {
    write("a.yaml", service("a", 1));
    start();
    remove("a.yaml");
    pass_events();
    write("a.yaml", service("a", 2));
    expect_in_force("a=2");
    EXPECT_THAT(missed_, IsEmpty());
}

TEST_F(SourceFiles, EditorsOwnFilesAreIgnored) {
    write("a.yaml", service("a", 1));
    start();
    for (const std::string_view name :
         {".a.yaml.swp", ".#a.yaml", "#a.yaml#", "4913", "a.yaml~", ".a.yaml", "a.yaml.tmp"}) {
        write(name, service("x", 5));
        replace(name, service("y", 5));
    }
    pass_events();
    EXPECT_EQ(in_force(), "a=1");
    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(SourceFiles, LinksAreTakenAtOnce) {
    temp_.write("outside", service("h", 1));
    start();
    std::filesystem::create_hard_link(temp_.path("outside"), file("h.yaml"));
    expect_in_force("h=1");
    temp_.write("target", service("s", 1));
    std::filesystem::create_symlink(temp_.path("target"), file("s.yaml"));
    expect_in_force("h=1 s=1");
}

TEST_F(SourceFiles, UnusableFileIsToldAndTakenWhenItIsMended) {
    std::filesystem::create_symlink(temp_.path("target"), file("a.yaml"));
    start();
    EXPECT_THAT(problems(), ElementsAre("D/a.yaml: error: the symbolic link leads to nothing. Mend "
                                        "or remove the link"));
    temp_.write("target", service("a", 1));
    // Nothing has happened in the directory; a touched link is an event like a chmod.
    const std::array<timespec, 2> times{{{0, UTIME_NOW}, {0, UTIME_NOW}}};
    ASSERT_EQ(utimensat(AT_FDCWD, file("a.yaml").c_str(), times.data(), AT_SYMLINK_NOFOLLOW), 0);
    expect_in_force("a=1");
    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(SourceFiles, TooLargeFileKeepsItsLastGoodState) {
    options_.max_file_bytes = 400;
    write("a.yaml", service("a", 1));
    start();
    replace("a.yaml", service("a", 2) + std::string(400, '\n'));
    ASSERT_TRUE(wait_for([&] { return has_problem("more than 400"); }));
    EXPECT_EQ(in_force(), "a=1");
    replace("a.yaml", service("a", 3));
    expect_in_force("a=3");
}

TEST_F(SourceFiles, WhatIsNoFileNeverBlocks) {
    std::filesystem::create_directory(file("d.yaml"));
    ASSERT_EQ(mkfifo(file("f.yaml").c_str(), 0600), 0);
    start();
    EXPECT_THAT(problems(), ElementsAre(HasSubstr("D/d.yaml: error: is a directory, not a file"),
                                        HasSubstr("D/f.yaml: error: is a FIFO, not a file")));
    ASSERT_EQ(mkfifo(file("g.yaml").c_str(), 0600), 0);
    pass_events();
    EXPECT_TRUE(has_problem("D/g.yaml: error: is a FIFO"));
}

TEST_F(SourceFiles, AtMostSoManyFiles) {
    options_.max_files = 2;
    options_.deletion_grace = std::chrono::milliseconds(20);
    write("b.yaml", service("b"));
    write("c.yaml", service("c"));
    start();
    replace("a.yaml", service("a"));
    ASSERT_TRUE(wait_for([&] { return !problems().empty(); }));
    EXPECT_THAT(problems(), ElementsAre("D: error: more than 2 manifests; the others are not "
                                        "read. Put several objects into one file"));
    EXPECT_EQ(in_force(), "b=1 c=1");
    replace("c.yaml", service("c", 2));
    expect_in_force("b=1 c=2");
}

TEST_F(SourceFiles, RescanFindsWhatNoEventTold) {
    temp_.write("outside", service("h", 1));
    std::filesystem::create_hard_link(temp_.path("outside"), file("h.yaml"));
    options_.rescan = std::chrono::milliseconds(50);
    start();
    EXPECT_EQ(in_force(), "h=1");
    temp_.write("outside", service("h", 2));  // through another directory: no event in ours
    expect_in_force("h=2");
}

TEST_F(SourceFiles, FileThatIsNeverClosedIsReadWhenItIsQuiet) {
    write("a.yaml", service("a", 1));
    options_.rescan = std::chrono::milliseconds(10);
    start();
    const auto text = service("a", 2);
    const util::UniqueFd writer(open(file("a.yaml").c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
    ASSERT_EQ(::write(writer.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    expect_in_force("a=2");
}

}  // namespace
}  // namespace directfaas::source
