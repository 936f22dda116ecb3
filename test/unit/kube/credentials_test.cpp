// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <map>

#include "lib/kube/cluster_access.h"
#include "test/unit/manifest/temp_dir.h"

namespace directfaas::kube {
namespace {

using testing::HasSubstr;

class InClusterTest : public testing::Test {
   protected:
    InClusterTest() {
        directory_.write("token", "t");
        directory_.write("ca.crt", "ca");
        directory_.write("namespace", "directfaas-system");
    }
    util::Result<ClusterAccess> access() {
        return in_cluster(
            [this](const char* name) {
                const auto found = environment_.find(name);
                return found == environment_.end() ? std::nullopt : std::optional(found->second);
            },
            directory_.path());
    }
    std::string error() {
        const auto result = access();
        return result ? "none" : result.error().text();
    }

    manifest::TempDir directory_;
    std::map<std::string, std::string> environment_{{"KUBERNETES_SERVICE_HOST", "10.96.0.1"},
                                                    {"KUBERNETES_SERVICE_PORT", "443"}};
};

TEST_F(InClusterTest, ReadsWhatThePodWasGiven) {
    const auto found = access();
    ASSERT_TRUE(found) << found.error().text();
    EXPECT_EQ(found->url(), "https://10.96.0.1:443");
    EXPECT_EQ(*found->ca.read(), "ca");
    EXPECT_EQ(found->token_file, directory_.path() + "/token");
    EXPECT_EQ(found->ns, "directfaas-system");
    EXPECT_TRUE(found->verify);
}

TEST_F(InClusterTest, AnIpv6HostMayHaveBracketsOrNot) {
    for (const auto* host : {"fd00:96::1", "[fd00:96::1]"}) {
        environment_["KUBERNETES_SERVICE_HOST"] = host;
        const auto found = access();
        ASSERT_TRUE(found);
        EXPECT_EQ(found->host, "fd00:96::1");
        EXPECT_EQ(found->url(), "https://[fd00:96::1]:443");
    }
}

TEST_F(InClusterTest, SaysWhatIsMissing) {
    environment_["KUBERNETES_SERVICE_PORT"] = "https";
    EXPECT_THAT(error(), HasSubstr("\"https\", which is no port"));
    environment_.erase("KUBERNETES_SERVICE_PORT");
    EXPECT_THAT(error(), HasSubstr("--kubeconfig"));
    environment_["KUBERNETES_SERVICE_PORT"] = "443";
    std::filesystem::remove(directory_.path("token"));
    EXPECT_THAT(error(), HasSubstr("automountServiceAccountToken"));
}

class KubeconfigTest : public testing::Test {
   protected:
    util::Result<ClusterAccess> access(const std::string& user, const std::string& server,
                                       const std::string& context = "") {
        directory_.write("config", R"(
apiVersion: v1
kind: Config
current-context: test
contexts:
- name: test
  context: {cluster: c, user: u, namespace: shop}
- name: bare
  context: {cluster: c}
- name: dangling
  context: {cluster: c, user: nobody}
clusters:
- name: c
  cluster:
    server: )" + server + R"(
    certificate-authority-data: Y2EK
users:
- name: u
  user: )" + user + "\n");
        return from_kubeconfig(directory_.path("config"), context);
    }
    std::string error(const std::string& user, const std::string& server = "https://h:6443",
                      const std::string& context = "") {
        const auto result = access(user, server, context);
        return result ? "none" : result.error().text();
    }

    manifest::TempDir directory_;
};

TEST_F(KubeconfigTest, CertificateDataAndFilesBesideIt) {
    directory_.write("key.pem", "a key");
    const auto found = access("{client-certificate-data: Y2VydA==, client-key: key.pem}",
                              "https://[fd00::1]:6443/clusters/one/");
    ASSERT_TRUE(found) << found.error().text();
    EXPECT_EQ(found->url(), "https://[fd00::1]:6443/clusters/one");
    EXPECT_EQ(*found->ca.read(), "ca\n");
    EXPECT_EQ(*found->client_certificate.read(), "cert");
    EXPECT_EQ(*found->client_key.read(), "a key");
    EXPECT_EQ(found->ns, "shop");
}

TEST_F(KubeconfigTest, TokensAndDefaultPorts) {
    const auto https = access("{token: abc}", "https://example.com");
    ASSERT_TRUE(https);
    EXPECT_EQ(https->token, "abc");
    EXPECT_EQ(https->url(), "https://example.com:443");
    const auto http = access("{tokenFile: /x/token}", "http://127.0.0.1:8001");
    ASSERT_TRUE(http);
    EXPECT_EQ(http->token_file, "/x/token");
    EXPECT_FALSE(http->tls);
}

TEST_F(KubeconfigTest, AnotherContext) {
    const auto found = access("{token: abc}", "https://h", "bare");
    ASSERT_TRUE(found) << found.error().text();
    EXPECT_EQ(found->token, "");
    EXPECT_EQ(found->ns, "default");
}

TEST_F(KubeconfigTest, WhatOnlyKubectlCanDoIsSentThere) {
    EXPECT_THAT(error("{exec: {command: aws}}"),
                testing::AllOf(HasSubstr("exec is not supported"), HasSubstr("kubectl")));
    EXPECT_THAT(error("{auth-provider: {name: oidc}}"), HasSubstr("auth-provider"));
    EXPECT_THAT(error("{username: x, password: y}"), HasSubstr("username"));
}

TEST_F(KubeconfigTest, MistakesAreNamed) {
    EXPECT_THAT(error("{token: t}", "h:6443"), HasSubstr("not like https://"));
    EXPECT_THAT(error("{token: t}", "https://h:x"), HasSubstr("not like https://"));
    EXPECT_THAT(error("{client-key-data: '%%%%'}"), HasSubstr("client-key-data is not base64"));
    EXPECT_THAT(error("{token: t}", "https://h", "other"), HasSubstr("no context other"));
    EXPECT_THAT(error("{token: t}", "https://h", "dangling"), HasSubstr("user nobody"));
    EXPECT_THAT(from_kubeconfig(directory_.path("absent")).error().text(), HasSubstr("absent"));
    directory_.write("config", "a: [");
    EXPECT_THAT(from_kubeconfig(directory_.path("config")).error().text(), HasSubstr("config:1"));
}

}  // namespace
}  // namespace directfaas::kube
