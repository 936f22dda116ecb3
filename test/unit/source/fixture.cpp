// SPDX-License-Identifier: Apache-2.0
#include "test/unit/source/fixture.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace directfaas::source {
namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr std::string_view kMarker = "zz-marker.yaml";

std::set<std::string> names(const std::map<std::string, std::vector<model::Object>>& by_origin) {
    std::set<std::string> all;
    for (const auto& [origin, objects] : by_origin) {
        for (const auto& object : objects) {
            all.insert(std::get<model::Service>(object).name.name);
        }
    }
    return all;
}

}  // namespace

std::string service(std::string_view name, int generation) {
    // Names begin with a letter of their own, so that no two Services get one address.
    return fmt::format(
        "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: {}\nspec:\n  clusterIP: "
        "10.{}.0.{}\n  ports:\n  - port: 80\n",
        name, static_cast<int>(name[0]), generation);
}

SourceTest::SourceTest()
    : path_(temp_.path("manifests")),
      loop_(util::EventLoop::create().value()),
      model_(model::NodeSettings{}) {
    std::filesystem::create_directory(path_);
    options_.path = path_;
    options_.rescan = kNever;
    options_.deletion_grace = kNever;
}

void SourceTest::start() {
    auto created = DirectorySource::create(
        *loop_, options_,
        [this](const std::vector<model::OriginContent>& contents) { return take(contents); });
    ASSERT_TRUE(created) << created.error().text();
    source_ = std::move(*created);
    const auto started = source_->start();
    ASSERT_TRUE(started) << started.error().text();
}

std::vector<model::Problem> SourceTest::take(const std::vector<model::OriginContent>& contents) {
    if (auto replaced = model_.replace_all(contents); !replaced) {
        return replaced.error();
    }
    ++accepted_;
    const auto before = names(by_origin_);
    for (const auto& content : contents) {
        by_origin_[content.origin] = content.objects;
    }
    const auto now = names(by_origin_);
    std::ranges::set_difference(before, now, std::inserter(missed_, missed_.end()));
    return {};
}

bool SourceTest::wait_for(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
        EXPECT_TRUE(loop_->run_once(std::chrono::milliseconds(20)));
    }
    return true;
}

void SourceTest::pass_events() {
    ++markers_;
    replace(kMarker, service("z-marker", markers_));
    const auto marked = [this] {
        const auto found = by_origin_.find(file(kMarker));
        return found != by_origin_.end() && found->second.size() == 1 &&
               std::get<model::Service>(found->second[0]).cluster_ips[0].bytes()[15] == markers_;
    };
    EXPECT_TRUE(wait_for(marked)) << testing::PrintToString(problems());
}

std::string SourceTest::in_force() const {
    std::map<std::string, int> generations;
    for (const auto& [origin, objects] : by_origin_) {
        for (const auto& object : objects) {
            const auto& service = std::get<model::Service>(object);
            if (origin != file(kMarker)) {
                generations[service.name.name] = service.cluster_ips[0].bytes()[15];
            }
        }
    }
    std::vector<std::string> texts;
    for (const auto& [name, generation] : generations) {
        texts.push_back(fmt::format("{}={}", name, generation));
    }
    return fmt::format("{}", fmt::join(texts, " "));
}

void SourceTest::expect_in_force(const std::string& wanted) {
    EXPECT_TRUE(wait_for([&] { return in_force() == wanted; }))
        << "in force: " << in_force() << "\nwanted: " << wanted << "\n"
        << testing::PrintToString(problems());
}

std::vector<std::string> SourceTest::problems() const {
    std::vector<std::string> texts;
    for (const auto& problem : source_->problems()) {
        auto text = problem.text();
        for (auto at = text.find(path_); at != std::string::npos; at = text.find(path_)) {
            text.replace(at, path_.size(), "D");
        }
        texts.push_back(text);
    }
    return texts;
}

bool SourceTest::has_problem(std::string_view part) const {
    return std::ranges::any_of(problems(), [&](const auto& text) { return text.contains(part); });
}

std::string SourceTest::file(std::string_view name) const {
    return fmt::format("{}/{}", path_, name);
}

void SourceTest::write(std::string_view name, std::string_view text) const {
    temp_.write(fmt::format("manifests/{}", name), text);
}

void SourceTest::replace(std::string_view name, std::string_view text) const {
    temp_.replace(fmt::format("manifests/{}", name), text);
}

void SourceTest::remove(std::string_view name) const {
    ASSERT_TRUE(std::filesystem::remove(file(name)));
}

void SourceTest::rename(std::string_view from, std::string_view to) const {
    std::filesystem::rename(file(from), file(to));
}

}  // namespace directfaas::source
