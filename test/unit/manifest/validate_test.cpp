// SPDX-License-Identifier: Apache-2.0
// The verdicts of `dfctl validate`: reading, decoding and the model's laws together.
#include "lib/manifest/validate.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "lib/manifest/files.h"
#include "test/unit/manifest/temp_dir.h"

namespace directfaas::manifest {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string chain(std::string_view name, std::string_view functions, std::string_view edges) {
    return fmt::format(
        "apiVersion: directfaas.io/v1alpha1\nkind: FunctionChain\nmetadata:\n  name: {}\n"
        "spec:\n  functions: {}\n  edges: {}\n",
        name, functions, edges);
}

std::string service(std::string_view name, std::string_view address) {
    return fmt::format(
        "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: {}\nspec:\n  clusterIP: {}\n"
        "  selector: {{app: {}}}\n  ports:\n  - port: 80\n",
        name, address, name);
}

class Validate : public testing::Test {
   protected:
    /// Errors only, with the directory's path as "D".
    std::vector<std::string> errors(const std::vector<std::string>& paths) const {
        std::vector<std::string> texts;
        for (const auto& problem : validate(paths, settings_)) {
            if (problem.severity != model::Problem::Severity::kError) {
                continue;
            }
            auto text = problem.text();
            for (auto at = text.find(dir_.path()); at != std::string::npos;
                 at = text.find(dir_.path())) {
                text.replace(at, dir_.path().size(), "D");
            }
            texts.push_back(text);
        }
        return texts;
    }
    std::vector<std::string> errors() const { return errors({dir_.path()}); }

    TempDir dir_;
    model::NodeSettings settings_{.node_name = "",
                                  .pod_networks = {util::IpPrefix::parse("10.244.0.0/16").value()}};
};

TEST_F(Validate, GoodFiles) {
    dir_.write("chain.yaml", chain("c", "[{name: a}, {name: b}]", "[{from: a, to: b}]"));
    dir_.write("services.yaml", service("a", "10.96.0.1") + service("b", "10.96.0.2"));
    EXPECT_THAT(validate({dir_.path()}, settings_), IsEmpty());
    EXPECT_THAT(validate({dir_.path("chain.yaml"), dir_.path("services.yaml")}, settings_),
                IsEmpty());
}

TEST_F(Validate, ChainsInTwoFilesThatUseEachOther) {
    dir_.write("1.yaml", chain("c1", "[{name: a}]", "[{from: a, to: b}]"));
    dir_.write("2.yaml", chain("c2", "[{name: b}, {name: c}]", "[{from: a, to: c}]"));
    EXPECT_THAT(errors(), IsEmpty());
    EXPECT_THAT(
        errors({dir_.path("1.yaml")}),
        ElementsAre(AllOf(HasSubstr("D/1.yaml:7: error: FunctionChain default/c1: "),
                          HasSubstr("a → b names b, which is in functions[] of no chain"))));
}

TEST_F(Validate, SyntaxErrorOfOneFileLeavesTheOthers) {
    dir_.write("1.yaml", "kind: [\n");
    dir_.write("2.yaml", chain("c", "[{name: a}]", "[{from: a, to: a}]"));
    EXPECT_THAT(errors(),
                ElementsAre(HasSubstr("D/1.yaml:2: error: document 1: not valid YAML"),
                            HasSubstr("D/2.yaml:7: error: FunctionChain default/c: edge a → a "
                                      "begins and ends at the same function. Remove it and set "
                                      "allowSelf: true on function a")));
}

TEST_F(Validate, CycleIsNamed) {
    dir_.write("c.yaml", chain("c", "[{name: a}, {name: b}, {name: d}]",
                               "[{from: a, to: b}, {from: b, to: d}, {from: d, to: a}]"));
    EXPECT_THAT(errors(), ElementsAre(AllOf(HasSubstr("D/c.yaml:7: error: FunctionChain default/c"),
                                            HasSubstr("a→b→d→a"))));
}

TEST_F(Validate, ObjectDeclaredTwice) {
    dir_.write("1.yaml", service("a", "10.96.0.1"));
    dir_.write("2.yaml", service("a", "10.96.0.2"));
    EXPECT_THAT(errors(),
                ElementsAre(HasSubstr("D/2.yaml:2: error: Service default/a: it is declared twice, "
                                      "here and at D/1.yaml:2")));
}

TEST_F(Validate, AddressesOfServices) {
    dir_.write("chain.yaml", chain("c", "[{name: a}, {name: b}, {name: d}]", "[]"));
    dir_.write("services.yaml", service("a", "10.96.0.1") + service("b", "10.96.0.1"));
    EXPECT_THAT(errors(), Contains(AllOf(HasSubstr("D/services.yaml:"), HasSubstr("10.96.0.1"))));
    dir_.write("services.yaml", service("a", "10.96.0.1") + service("b", "10.244.3.1"));
    EXPECT_THAT(errors(), Contains(AllOf(HasSubstr("D/services.yaml:"), HasSubstr("10.244.3.1"))));
}

TEST_F(Validate, FilesThatCannotBeRead) {
    std::filesystem::create_directory(dir_.path("d.yaml"));
    dir_.write("large.yaml", std::string(kMaxFileBytes + 1, '#'));
    EXPECT_THAT(errors(),
                ElementsAre("D/d.yaml: error: is a directory, not a file. Move it elsewhere, or "
                            "give it a name that does not end in .yaml, .yml or .json",
                            "D/large.yaml: error: the file has 1048577 bytes, more than 1048576. "
                            "Split it into several files"));
    EXPECT_THAT(errors({dir_.path("none.yaml")}),
                ElementsAre("D/none.yaml: error: the file does not exist. Check the path"));
}

TEST_F(Validate, FileNamedOnTheCommandLineMayHaveAnyName) {
    dir_.write("manifest.txt", "kind: [\n");
    EXPECT_THAT(errors({dir_.path("manifest.txt")}), ElementsAre(HasSubstr("not valid YAML")));
    EXPECT_THAT(errors(), IsEmpty());
}

TEST_F(Validate, AFileNamedTwiceIsReadOnce) {
    dir_.write("s.yaml", service("a", "10.96.0.1"));
    EXPECT_THAT(errors({dir_.path(), dir_.path("s.yaml"), dir_.path()}), IsEmpty());
}

TEST_F(Validate, WarningsComeToo) {
    dir_.write("chain.yaml", chain("c", "[{name: a}]", "[]"));
    const auto problems = validate({dir_.path()}, settings_);
    ASSERT_FALSE(problems.empty());
    EXPECT_EQ(problems[0].severity, model::Problem::Severity::kWarning);
    EXPECT_THAT(problems[0].text(), HasSubstr("Service"));
}

TEST_F(Validate, TheExampleOfTheDocumentation) {
    std::ifstream page(DF_SOURCE_DIR "/docs/functionchain.md");
    const std::string text{std::istreambuf_iterator<char>(page), {}};
    constexpr std::string_view kFence = "```yaml\n";
    const auto begin = text.find(kFence);
    ASSERT_NE(begin, std::string::npos);
    const auto example = text.substr(begin + kFence.size());
    dir_.write("example.yaml", example.substr(0, example.find("```")));
    EXPECT_THAT(validate({dir_.path()}, settings_), IsEmpty());
}

}  // namespace
}  // namespace directfaas::manifest
