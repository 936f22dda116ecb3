// SPDX-License-Identifier: Apache-2.0
#include "cli/discovery.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "test/unit/cli/fake_agent.h"

namespace directfaas::cli {
namespace {

using testing::HasSubstr;

Options options_for(std::string instance, std::string socket = "") {
    Options options;
    options.instance = std::move(instance);
    options.socket = std::move(socket);
    return options;
}

TEST(Discovery, ASocketThatIsNamedWins) {
    const auto target = find_agent(options_for("a", "/x/y.sock"), "/nowhere");
    ASSERT_TRUE(target.has_value());
    EXPECT_EQ(target->socket, "/x/y.sock");
    EXPECT_EQ(target->instance, "a");
}

TEST(Discovery, AnInstanceNamesItsSocket) {
    EXPECT_EQ(find_agent(options_for("node-1"), "/run/directfaas")->socket,
              "/run/directfaas/node-1.sock");
}

TEST(Discovery, TheOnlySocketIsTaken) {
    const TemporaryDirectory run;
    leave_dead_socket(run.path() + "/node-7.sock");
    std::ofstream(run.path() + "/notes.txt") << "x";
    std::ofstream(run.path() + "/file.sock") << "not a socket";
    const auto target = find_agent({}, run.path());
    ASSERT_TRUE(target.has_value()) << target.error().message;
    EXPECT_EQ(target->socket, run.path() + "/node-7.sock");
    EXPECT_EQ(target->instance, "node-7");
}

TEST(Discovery, SeveralAreListedWithWhichOfThemAnswer) {
    const TemporaryDirectory run;
    leave_dead_socket(run.path() + "/b.sock");
    const FakeAgent agent(run.path() + "/a.sock", [](Peer&) {});
    const auto target = find_agent({}, run.path());
    ASSERT_FALSE(target.has_value());
    EXPECT_EQ(target.error().exit, kExitUsage);
    EXPECT_THAT(target.error().message, HasSubstr("2 instances"));
    EXPECT_EQ(target.error().advice,
              "name one:\n  --instance a\n  --instance b   (no agent listens there)");
}

TEST(Discovery, NoneSaysWhereItLookedAndHowToStartOne) {
    const TemporaryDirectory run;
    for (const auto& directory : {run.path(), run.path() + "/missing"}) {
        const auto target = find_agent({}, directory);
        ASSERT_FALSE(target.has_value());
        EXPECT_EQ(target.error().exit, kExitNoAgent);
        EXPECT_TRUE(target.error().absent);
        EXPECT_THAT(target.error().message, HasSubstr(directory));
        EXPECT_THAT(target.error().advice, HasSubstr("directfaas-agent"));
    }
}

TEST(Discovery, ADirectoryOneMayNotReadIsNotTakenForEmpty) {
    const TemporaryDirectory run;
    const auto file = run.path() + "/file";
    std::ofstream(file) << "x";
    const auto target = find_agent({}, file);  // not a directory: an error other than absence
    ASSERT_FALSE(target.has_value());
    EXPECT_EQ(target.error().exit, kExitNoAgent);
    EXPECT_FALSE(target.error().absent);
}

TEST(Unreachable, EachErrorHasItsOwnWayOut) {
    const Target target{"/run/directfaas/a.sock", "a"};
    for (const int code : {ENOENT, ECONNREFUSED, EACCES, EMFILE}) {
        const auto failure = unreachable(target, code);
        EXPECT_EQ(failure.exit, kExitNoAgent);
        EXPECT_THAT(failure.message, HasSubstr("/run/directfaas/a.sock"));
    }
    EXPECT_TRUE(unreachable(target, ENOENT).absent);
    EXPECT_TRUE(unreachable(target, ECONNREFUSED).absent);
    EXPECT_FALSE(unreachable(target, EACCES).absent);
    EXPECT_THAT(unreachable(target, EACCES).advice, HasSubstr("sudo"));
    EXPECT_THAT(unreachable(target, ENOENT).advice, HasSubstr("systemctl start"));
    EXPECT_THAT(unreachable(target, EMFILE).message, HasSubstr("Too many open files"));
}

}  // namespace
}  // namespace directfaas::cli
