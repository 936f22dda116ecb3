// SPDX-License-Identifier: Apache-2.0
// `kubectl directfaas check` before an install, with the real kubectl on a real apiserver: what it
// reads of the CNI plugin and the service proxy is there as their charts make it.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "cli/cluster/check_items.h"
#include "cli/cluster/cluster.h"
#include "test/kube/apiserver.h"

namespace directfaas::test {
namespace {

using testing::HasSubstr;

constexpr const char* kSets = "/apis/apps/v1/namespaces/kube-system/daemonsets";
constexpr const char* kMaps = "/api/v1/namespaces/kube-system/configmaps";

class CheckTest : public testing::Test {
   protected:
    void SetUp() override {
        const auto folder = std::filesystem::path(cluster_binary("kubectl")).parent_path().string();
        path_ = std::getenv("PATH");
        ::setenv("PATH", (folder + ":" + path_).c_str(), 1);
        options_.kubeconfig = apiserver().kubeconfig();
        options_.name_space = "directfaas-system";
    }
    void TearDown() override {
        ::setenv("PATH", path_.c_str(), 1);
        for (const auto& path : made_) {
            apiserver().remove(path);
        }
    }
    void daemon_set(const std::string& name) {
        const Json labels{{"app", name}};
        apiserver().create(
            kSets, {{"apiVersion", "apps/v1"},
                    {"kind", "DaemonSet"},
                    {"metadata", {{"name", name}}},
                    {"spec",
                     {{"selector", {{"matchLabels", labels}}},
                      {"template",
                       {{"metadata", {{"labels", labels}}},
                        {"spec", {{"containers", {{{"name", "c"}, {"image", "none"}}}}}}}}}}});
        made_.push_back(std::string(kSets) + "/" + name);
    }
    void config(const std::string& name, const Json& data) {
        apiserver().create(kMaps, {{"apiVersion", "v1"},
                                   {"kind", "ConfigMap"},
                                   {"metadata", {{"name", name}}},
                                   {"data", data}});
        made_.push_back(std::string(kMaps) + "/" + name);
    }
    /// "ok: detail", "not ok: detail" by the check's name; of two with one name both.
    std::map<std::string, std::string> verdicts() {
        std::map<std::string, std::string> all;
        const auto answer = cli::cluster_checks(options_);
        for (const auto& item : answer["checks"]) {
            all[item["name"]] +=
                (item["ok"].get<bool>() ? "ok: " : "not ok: ") + item["detail"].get<std::string>();
        }
        return all;
    }

    std::string path_;
    cli::ClusterOptions options_;
    std::vector<std::string> made_;
};

TEST_F(CheckTest, ACniPluginThatPassesByTheSwitchIsNamed) {
    daemon_set("cilium");
    daemon_set("kube-proxy");
    config("cilium-config",
           {{"kube-proxy-replacement", "true"}, {"enable-bpf-masquerade", "true"}});
    config("kube-proxy", {{"config.conf", "kind: KubeProxyConfiguration\nmode: ipvs\n"}});
    auto found = verdicts();
    EXPECT_THAT(found["main CNI plugin"], HasSubstr("not ok: Cilium with BPF host routing"));
    EXPECT_THAT(found["service proxy"], HasSubstr("not ok: Cilium: sockets are balanced"));
    EXPECT_THAT(found["service proxy"], HasSubstr("not ok: kube-proxy, mode ipvs"));
}

TEST_F(CheckTest, WhatIsNotThereIsNoTrouble) {
    daemon_set("calico-node");
    daemon_set("kube-proxy");
    auto found = verdicts();
    EXPECT_EQ(found["main CNI plugin"], "ok: Calico, routing by the node's stack")
        << "there is no such resource as its configuration";
    EXPECT_EQ(found["service proxy"], "ok: kube-proxy, mode iptables");
    EXPECT_THAT(found["kubernetes"], HasSubstr("ok: v1."));
}

}  // namespace
}  // namespace directfaas::test
