// SPDX-License-Identifier: Apache-2.0
// The installer on random networks, whole and damaged. Whatever a file holds: what is written is
// valid and has everything of before, a second look changes nothing, and taking the plugin out
// gives back what was there; what is no network is left byte for byte.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <filesystem>
#include <random>

#include "cni-plugin/install/files.h"
#include "cni-plugin/install/network_dir.h"
#include "test/unit/agent/temp_dir.h"

namespace directfaas::cni_install {
namespace {

namespace fs = std::filesystem;

constexpr int kSeeds = 400;

class RandomNetwork {
   public:
    explicit RandomNetwork(unsigned seed) : random_(seed) {}

    std::size_t below(std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
    }
    bool chance(std::size_t one_in) { return below(one_in) == 0; }

    std::string word() {
        static constexpr std::array kWords{"bridge", "ptp",  "mtu",  "ipam", "a/b", "ä €",
                                           "\"",     "\\",   "\n\t", "\x7f", "",    "𝄞",
                                           "x y",    "null", "0",    "{\"}", "//",  "cniVersion"};
        return kWords.at(below(kWords.size()));
    }
    Json value(int depth) {
        switch (below(depth > 3 ? 7 : 9)) {
            case 0:
                return nullptr;
            case 1:
                return chance(2);
            case 2:
                return std::uniform_int_distribution<std::int64_t>()(random_);
            case 3:
                return std::numeric_limits<std::uint64_t>::max() - below(3);
            case 4:
                return std::uniform_real_distribution<double>(-1e6, 1e6)(random_);
            case 5:
                return chance(2) ? -0.0 : 1e300;
            case 6:
                return word();
            case 7: {
                auto list = Json::array();
                for (auto i = below(4); i > 0; --i) {
                    list.push_back(value(depth + 1));
                }
                return list;
            }
            default:
                return fields(depth + 1);
        }
    }
    Json fields(int depth) {
        auto object = Json::object();
        for (auto i = below(4); i > 0; --i) {
            object["x-" + word()] = value(depth);
        }
        return object;
    }
    Json plugin() {
        auto made = fields(0);
        made["type"] = chance(4) ? "p-" + word() : "bridge";
        if (chance(2)) {
            made.update(fields(0));
        }
        return made;
    }
    Json ours() {
        auto made = fields(0);
        made["type"] = kPluginType;
        return made;
    }
    Json list() {
        auto made = fields(0);
        if (!chance(5)) {
            made["cniVersion"] = chance(2) ? "1.0.0" : "0.3.1";
        }
        made["name"] = "n" + word();
        auto plugins = Json::array();
        for (auto i = 1 + below(4); i > 0; --i) {
            plugins.push_back(plugin());
        }
        while (chance(4)) {
            plugins.insert(plugins.begin() + static_cast<std::ptrdiff_t>(below(plugins.size() + 1)),
                           ours());
        }
        made["plugins"] = plugins;
        made.update(fields(0));
        return made;
    }
    Json single() {
        auto made = plugin();
        made["name"] = "n";
        if (chance(2)) {
            made["cniVersion"] = "0.4.0";
        }
        return made;
    }
    std::string text(const Json& object) {
        auto made = object.dump(static_cast<int>(below(6)) - 1, chance(2) ? ' ' : '\t', chance(2));
        return (chance(3) ? "\n \t" : "") + made + (chance(2) ? "\n" : "");
    }
    /// One thing that happens to files.
    std::string damaged(std::string text) {
        const auto at = below(text.size());
        switch (below(8)) {
            case 0:
                return text.substr(0, at);
            case 1:
                text[at] = static_cast<char>(below(256));
                return text;
            case 2:
                return text.erase(at, 1 + below(20));
            case 3:
                return text.insert(at, 1, static_cast<char>(below(256)));
            case 4:
                return text + text;
            case 5:
                return "\xef\xbb\xbf" + text;
            case 6:
                return "// a comment\n" + text;
            default:
                return text.insert(at, "\xff\xfe\0\xc0");
        }
    }

   private:
    std::mt19937 random_;
};

/// A list without our plugin, wherever it stood.
Json without_ours(Json list) {
    auto rest = Json::array();
    for (auto& plugin : list["plugins"]) {
        if (plugin["type"] != kPluginType) {
            rest.push_back(plugin);
        }
    }
    list["plugins"] = rest;
    return list;
}

const Json kOurs{{"type", kPluginType}, {"socket", "/run/a.sock"}};

class InstallProperties : public testing::Test {
   protected:
    std::map<std::string, std::string> files() {
        std::map<std::string, std::string> all;
        for (const auto& item : fs::directory_iterator(dir_.file(""))) {
            all[item.path().filename().string()] = *read_file(item.path().string());
        }
        return all;
    }
    Done ensure() {
        auto done = network_.ensure(kOurs);
        EXPECT_TRUE(done) << (done ? "" : done.error().text());
        return done.value_or(Done::kAgain);
    }
    /// What holds of a directory with this file alone.
    void expect_properties(const std::string& name, const std::string& text) {
        SCOPED_TRACE(text);
        for (const auto& item : fs::directory_iterator(dir_.file(""))) {
            fs::remove(item.path());
        }
        dir_.write(name, text);
        const auto first = ensure();
        const auto after = files();
        if (first == Done::kNoNetwork) {
            EXPECT_EQ(after, (std::map<std::string, std::string>{{name, text}}));
            ASSERT_EQ(network_.passed_over().size(), 1U);
            EXPECT_THAT(network_.passed_over()[0], testing::HasSubstr(name + ": "));
        } else {
            expect_chained(text, after);
        }
        EXPECT_EQ(ensure(), first == Done::kChanged ? Done::kNothing : first);
        EXPECT_EQ(files(), after) << "a second look changes nothing";
        ASSERT_TRUE(network_.withdraw());
        expect_restored(name, text, first != Done::kNoNetwork);
    }
    static void expect_chained(const std::string& before,
                               const std::map<std::string, std::string>& files) {
        const auto old = Json::parse(before);
        const auto found = files.find("10-a.conflist");
        ASSERT_NE(found, files.end());
        const auto list = Json::parse(found->second);
        EXPECT_EQ(list["plugins"].back(), kOurs);
        EXPECT_EQ(
            std::ranges::count_if(list["plugins"],
                                  [](const auto& plugin) { return plugin["type"] == kPluginType; }),
            1);
        if (old.contains("plugins")) {
            EXPECT_EQ(without_ours(list), without_ours(old));
            EXPECT_EQ(files.size(), 1U);
        } else {
            EXPECT_EQ(list["plugins"], Json::array({old, kOurs}));
            EXPECT_EQ(list["name"], old["name"]);
        }
    }
    void expect_restored(const std::string& name, const std::string& text, bool was_network) {
        const auto now = files();
        ASSERT_EQ(now.size(), 1U);
        ASSERT_EQ(now.begin()->first, name);
        const auto& restored = now.begin()->second;
        // Only what the installer took for a network is sure not to exhaust the reader's stack.
        const auto old = was_network ? Json::parse(text) : Json();
        if (old.contains("plugins")) {
            EXPECT_EQ(Json::parse(restored), without_ours(old));
        } else {
            EXPECT_EQ(restored, text);
        }
    }

    agent_test::TempDir dir_;
    NetworkDir network_{dir_.file(""), Method::kInPlace};
};

class InstallSeeds : public InstallProperties, public testing::WithParamInterface<int> {};

TEST_P(InstallSeeds, HoldForWholeAndDamagedFiles) {
    for (int seed = GetParam(); seed < kSeeds; seed += 8) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        RandomNetwork random(static_cast<unsigned>(seed));
        const auto list = random.text(random.list());
        const auto single = random.text(random.single());
        expect_properties("10-a.conflist", list);
        expect_properties("10-a.conf", single);
        for (int i = 0; i < 4; ++i) {
            expect_properties("10-a.conflist", random.damaged(list));
            expect_properties("10-a.conf", random.damaged(single));
        }
        if (HasFailure()) {
            return;
        }
    }
}
INSTANTIATE_TEST_SUITE_P(Eighths, InstallSeeds, testing::Range(0, 8));

TEST_F(InstallProperties, HoldForDeepAndLongFiles) {
    const auto deep = [](std::size_t depth) {
        return R"({"name":"n","x":)" + std::string(depth, '[') + std::string(depth, ']') +
               R"(,"plugins":[{"type":"a"}]})";
    };
    expect_properties("10-a.conflist", deep(90));
    expect_properties("10-a.conflist", deep(110));
    expect_properties("10-a.conflist", deep(200000));
    expect_properties("10-a.conflist", std::string(200000, '['));
    expect_properties("10-a.conflist", "");
    expect_properties("10-a.conflist", std::string(100, '\0'));
    expect_properties("10-a.conflist", R"({"name":"n","plugins":[{"type":"a","x":1e400}]})");
    expect_properties("10-a.conflist", R"({"name":"n","name":"m","plugins":[{"type":"a"}]})");
    expect_properties("10-a.conf",
                      R"({"name":"n","type":"a","x":")" + std::string(1 << 20, 'x') + "\"}");
}

TEST_F(InstallProperties, AListOfTheSameNameIsNotOverwritten) {
    const std::string single = R"({"name":"n","type":"a"})";
    const std::string list = R"({"name":"other","plugins":[{"type":"b"}]})";
    dir_.write("10-a.conf", single);
    dir_.write("10-a.conflist", list);
    const auto before = files();
    const auto done = network_.ensure(kOurs);
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().text(), testing::HasSubstr("rename one of the two"));
    EXPECT_EQ(files(), before);
}

}  // namespace
}  // namespace directfaas::cni_install
