// SPDX-License-Identifier: Apache-2.0
// Files that stand in each other's way, or need each other.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "test/unit/source/fixture.h"

namespace directfaas::source {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SourceConflicts : public SourceTest {};

TEST_F(SourceConflicts, RefusedFileIsTakenWhenTheOtherIsMended) {
    write("1.yaml", service("a", 1));
    write("2.yaml", service("a", 2) + service("b", 2));
    start();
    EXPECT_EQ(in_force(), "a=1");
    EXPECT_THAT(problems(), ElementsAre(HasSubstr("D/2.yaml:2: error: Service default/a: it is "
                                                  "declared twice, here and at D/1.yaml:2")));
    replace("1.yaml", service("c", 1));
    expect_in_force("a=2 b=2 c=1");
    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(SourceConflicts, RefusedFileIsTakenWhenTheOtherIsRemoved) {
    options_.deletion_grace = std::chrono::milliseconds(20);
    write("1.yaml", service("a", 1));
    write("2.yaml", service("a", 2));
    start();
    EXPECT_EQ(in_force(), "a=1");
    remove("1.yaml");
    expect_in_force("a=2");
}

TEST_F(SourceConflicts, RefusedChangeKeepsTheLastGoodState) {
    write("1.yaml", service("a", 1));
    write("2.yaml", service("b", 1));
    start();
    replace("2.yaml", service("a", 2));
    ASSERT_TRUE(wait_for([&] { return !problems().empty(); }));
    EXPECT_EQ(in_force(), "a=1 b=1");
    EXPECT_EQ(source_->object_count(), 2U);
    replace("2.yaml", service("b", 2));
    expect_in_force("a=1 b=2");
    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(SourceConflicts, FileRenamedWithItsObjects) {
    write("1.yaml", service("a", 1));
    start();
    rename("1.yaml", "2.yaml");
    EXPECT_TRUE(wait_for([&] { return accepted_ == 2; }));
    EXPECT_EQ(in_force(), "a=1");
    EXPECT_THAT(problems(), IsEmpty());
    EXPECT_THAT(missed_, IsEmpty());
    EXPECT_EQ(source_->object_count(), 1U);
}

TEST_F(SourceConflicts, ObjectMovesIntoAnotherFile) {
    write("1.yaml", service("a", 1) + service("b", 1));
    write("2.yaml", service("c", 1));
    start();
    replace("1.yaml", service("b", 2));
    replace("2.yaml", service("c", 2) + service("a", 2));
    expect_in_force("a=2 b=2 c=2");
    EXPECT_THAT(missed_, IsEmpty());  // both events are read in one turn
}

TEST_F(SourceConflicts, FilesExchangeTheirObjects) {
    write("1.yaml", service("a", 1));
    write("2.yaml", service("b", 1));
    start();
    replace("1.yaml", service("b", 2));
    replace("2.yaml", service("a", 2));
    expect_in_force("a=2 b=2");
    EXPECT_THAT(problems(), IsEmpty());
    EXPECT_THAT(missed_, IsEmpty());
}

TEST_F(SourceConflicts, RemovalThatIsRefusedStandsAsAProblem) {
    const auto chain = [](std::string_view name, std::string_view functions,
                          std::string_view edges) {
        return fmt::format(
            "apiVersion: directfaas.io/v1alpha1\nkind: FunctionChain\nmetadata: {{name: {}}}\n"
            "spec: {{functions: {}, edges: {}}}\n",
            name, functions, edges);
    };
    // This test's objects are chains: it looks at the source alone.
    model::Model model{model::NodeSettings{}};
    options_.deletion_grace = std::chrono::milliseconds(20);
    source_ = DirectorySource::create(*loop_, options_, [&](auto contents) {
                  auto replaced = model.replace_all(std::move(contents));
                  return replaced ? std::vector<model::Problem>{} : replaced.error();
              }).value();
    write("1.yaml", chain("c1", "[{name: a}]", "[]"));
    write("2.yaml", chain("c2", "[{name: b}]", "[{from: b, to: a}]"));
    ASSERT_TRUE(source_->start());
    EXPECT_EQ(source_->object_count(), 2U);
    remove("1.yaml");
    ASSERT_TRUE(wait_for([&] { return has_problem("b → a names a"); }));
    EXPECT_EQ(source_->object_count(), 2U);
    replace("2.yaml", chain("c2", "[{name: b}]", "[]"));
    EXPECT_TRUE(wait_for([&] { return source_->object_count() == 1; }));
    EXPECT_FALSE(has_problem("error"));
}

}  // namespace
}  // namespace directfaas::source
