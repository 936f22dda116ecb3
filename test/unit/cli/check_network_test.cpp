// SPDX-License-Identifier: Apache-2.0
// What `kubectl directfaas check` makes of CNI plugins and service proxies, by their objects.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "cli/cluster/check_items.h"
#include "test/unit/cli/plugin_fixture.h"

namespace directfaas::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CheckNetwork : public PluginTest {
   protected:
    void daemon_sets(const std::vector<std::string>& names, const std::string& more = "{}") {
        std::string items;
        for (const auto& name : names) {
            items += fmt::format(
                R"({}{{"metadata":{{"name":"{}","namespace":"kube-system"}},"spec":{{"template":{{"spec":{}}}}}}})",
                items.empty() ? "" : ",", name, more);
        }
        when("get daemonsets --all-namespaces", print(R"({"items":[)" + items + "]}"));
    }
    void config(const std::string& name, const Json& data) {
        when("get configmap " + name + " --namespace=kube-system",
             print(Json{{"data", data}}.dump()));
    }
    /// "ok name: detail" of each, and the advice.
    std::vector<std::string> items() {
        std::vector<std::string> all;
        ClusterOptions options;
        advice_.clear();
        for (const auto& item : network_items(options)) {
            const char* mark = flag_at(item, "ok")         ? "ok"
                               : flag_at(item, "required") ? "FAIL"
                                                           : "no";
            all.push_back(
                fmt::format("{} {}: {}", mark, text_at(item, "name"), text_at(item, "detail")));
            advice_ += text_at(item, "advice");
            EXPECT_TRUE(text_at(item, "advice").empty() || !flag_at(item, "ok"));
        }
        return all;
    }
    std::vector<std::string> cilium(const Json& data) {
        branches_.clear();
        daemon_sets({"cilium"});
        config("cilium-config", data);
        return items();
    }
    std::string advice_;
};

TEST_F(CheckNetwork, PlainPluginsAndKubeProxyAreFine) {
    daemon_sets({"kube-flannel-ds", "kube-proxy"});
    config("kube-proxy", {{"config.conf", "apiVersion: v1\nkind: X\nmode: \"nftables\"\n"}});
    EXPECT_THAT(items(), ElementsAre("ok main CNI plugin: Flannel",
                                     "ok service proxy: kube-proxy, mode nftables"));
}

TEST_F(CheckNetwork, ModesOfKubeProxy) {
    const auto mode = [&](const std::string& text) {
        branches_.clear();
        daemon_sets({"kindnet", "kube-proxy"});
        config("kube-proxy", {{"config.conf", text}});
        return items().back();
    };
    EXPECT_EQ(mode("mode: ''"), "ok service proxy: kube-proxy, mode iptables");
    EXPECT_EQ(mode(""), "ok service proxy: kube-proxy, mode iptables");
    EXPECT_EQ(mode("iptables:\n  mode: odd\nmode: iptables\n"),
              "ok service proxy: kube-proxy, mode iptables");
    EXPECT_EQ(mode("mode: ipvs\n"), "no service proxy: kube-proxy, mode ipvs");
    EXPECT_THAT(advice_, HasSubstr("iptables and nftables"));
}

TEST_F(CheckNetwork, CiliumThatLeavesTheStackOutFails) {
    EXPECT_THAT(cilium({{"kube-proxy-replacement", "true"}, {"enable-bpf-masquerade", "true"}}),
                ElementsAre(HasSubstr("FAIL main CNI plugin: Cilium with BPF host routing"),
                            HasSubstr("FAIL service proxy: Cilium: sockets are balanced")));
    EXPECT_THAT(advice_, HasSubstr("bpf.hostLegacyRouting=true"));
    EXPECT_THAT(advice_, HasSubstr("socketLB.hostNamespaceOnly=true"));
    EXPECT_THAT(cilium({{"kube-proxy-replacement", "true"},
                        {"enable-bpf-masquerade", "true"},
                        {"enable-host-legacy-routing", "true"},
                        {"bpf-lb-sock-hostns-only", "true"}}),
                ElementsAre("ok main CNI plugin: Cilium, routing by the node's stack",
                            "ok service proxy: Cilium in place of kube-proxy"));
    EXPECT_THAT(cilium({{"datapath-mode", "netkit"}}).front(),
                HasSubstr("FAIL main CNI plugin: Cilium with datapath-mode netkit"));
    EXPECT_THAT(cilium({{"bpf-lb-sock", "true"}}).back(), HasSubstr("FAIL service proxy: Cilium"));
}

TEST_F(CheckNetwork, CiliumBesideKubeProxy) {
    daemon_sets({"cilium", "kube-proxy"});
    config("cilium-config", {{"kube-proxy-replacement", "false"}, {"datapath-mode", "veth"}});
    when("get configmap kube-proxy", "echo 'Error from server (NotFound): no' >&2; exit 1");
    EXPECT_THAT(items(), ElementsAre("ok main CNI plugin: Cilium, routing by the node's stack",
                                     "ok service proxy: kube-proxy, mode iptables"));
}

TEST_F(CheckNetwork, CalicosDataPlanes) {
    const auto calico = [&](const std::string& felix, const std::string& pod = "{}") {
        branches_.clear();
        daemon_sets({"calico-node"}, pod);
        when("get felixconfigurations.crd.projectcalico.org default", felix);
        return items().front();
    };
    EXPECT_EQ(calico(print(R"({"spec":{}})")),
              "ok main CNI plugin: Calico, routing by the node's stack");
    EXPECT_EQ(calico("echo \"error: the server doesn't have a resource type x\" >&2; exit 1"),
              "ok main CNI plugin: Calico, routing by the node's stack");
    EXPECT_THAT(calico(print(R"({"spec":{"bpfEnabled":true}})")),
                HasSubstr("FAIL main CNI plugin: Calico with its eBPF data plane"));
    EXPECT_THAT(advice_, HasSubstr("bpfEnabled to false"));
    EXPECT_THAT(calico(print("{}"),
                       R"({"containers":[{"env":[{"name":"FELIX_BPFENABLED","value":"true"}]}]})"),
                HasSubstr("FAIL main CNI plugin"));
}

TEST_F(CheckNetwork, WhatIsNotKnownIsSaid) {
    daemon_sets({"something"});
    EXPECT_THAT(items(), ElementsAre(HasSubstr("no main CNI plugin: not known"),
                                     HasSubstr("no service proxy: not known")));
    EXPECT_THAT(advice_, HasSubstr("apiserver.host"));
    branches_.clear();
    when("get daemonsets", kForbidden);
    EXPECT_THAT(items(), ElementsAre(HasSubstr("no main CNI plugin: not known: Error"),
                                     HasSubstr("no service proxy: not known: Error")));
    branches_.clear();
    daemon_sets({"cilium"});
    when("get configmap", kForbidden);
    EXPECT_THAT(items().front(), HasSubstr("not known: Error from server (Forbidden)"));
}

}  // namespace
}  // namespace directfaas::cli
