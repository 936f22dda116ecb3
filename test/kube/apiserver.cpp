// SPDX-License-Identifier: Apache-2.0
#include "test/kube/apiserver.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "lib/kube/httplib_transport.h"
#include "lib/util/unique_fd.h"
#include "test/support/command.h"
#include "test/support/netns.h"
#include "test/support/wait.h"

namespace directfaas::test {
namespace {

using support::SupportError;

constexpr const char* kAdminToken = "administrator";
constexpr std::chrono::seconds kStartPatience{120};

std::string must_run(const std::vector<std::string>& arguments, const std::string& input = "") {
    const auto result = support::run_command(arguments, {.input = input});
    if (result.status != 0) {
        throw SupportError(
            fmt::format("{} ended with {}: {}", arguments.front(), result.status, result.output));
    }
    return result.output;
}

Json parsed(const kube::Answer<std::string>& answer, const std::string& what) {
    if (!answer) {
        throw SupportError(fmt::format("{}: {}", what, answer.error().text()));
    }
    return Json::parse(*answer);
}

void write_file(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

}  // namespace

int free_port() {
    const util::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (!socket.valid() || bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        support::throw_errno("a free port");
    }
    return ntohs(address.sin_port);
}

std::string cluster_binary(const std::string& name) {
    static const std::string folder = [] {
        auto text = must_run({DF_SOURCE_DIR "/test/cluster/build", "--print"});
        text.erase(text.find_last_not_of('\n') + 1);
        return text;
    }();
    const auto path = folder + "/" + name;
    if (access(path.c_str(), X_OK) != 0) {
        throw SupportError(path + " is not there: run test/cluster/build, which makes it once");
    }
    return path;
}

Apiserver::Apiserver(std::string address, const std::vector<std::string>& more)
    : address_(std::move(address)), etcd_port_(free_port()), port_(free_port()) {
    std::string pattern = std::filesystem::temp_directory_path() / "df-kube-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) {
        support::throw_errno("make the directory " + pattern);
    }
    directory_ = pattern;
    start_etcd();
    start_apiserver(more);
    const auto admin = client();
    const bool ready =
        support::wait_until([&] { return admin->get("/readyz").has_value(); }, kStartPatience);
    if (!ready) {
        throw SupportError("kube-apiserver does not become ready: " + log_end());
    }
}

Apiserver::~Apiserver() {
    for (auto child = children_.rbegin(); child != children_.rend(); ++child) {
        kill(*child, SIGKILL);
        support::wait_for_exit(*child, support::kPatience);
    }
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

void Apiserver::start_etcd() {
    const auto url = fmt::format("http://127.0.0.1:{}", etcd_port_);
    const auto peer = fmt::format("http://127.0.0.1:{}", free_port());
    children_.push_back(support::start_program(
        {"etcd", "--data-dir", directory_ + "/etcd", "--listen-client-urls", url,
         "--advertise-client-urls", url, "--listen-peer-urls", peer,
         "--initial-advertise-peer-urls", peer, "--initial-cluster", "default=" + peer},
        -1, directory_ + "/etcd.log"));
}

void Apiserver::start_apiserver(const std::vector<std::string>& more) {
    const auto key = directory_ + "/sa.key";
    must_run({"openssl", "genrsa", "-out", key, "2048"});
    write_file(directory_ + "/tokens.csv",
               fmt::format("{},admin,admin,\"system:masters\"\n", kAdminToken));
    std::vector<std::string> line{cluster_binary("kube-apiserver"),
                                  fmt::format("--etcd-servers=http://127.0.0.1:{}", etcd_port_),
                                  fmt::format("--secure-port={}", port_),
                                  "--bind-address=" + address_,
                                  "--advertise-address=" + address_,
                                  "--cert-dir=" + directory_ + "/certificates",
                                  "--service-cluster-ip-range=10.96.0.0/16,fd96::/112",
                                  "--endpoint-reconciler-type=none",
                                  "--service-account-issuer=https://kubernetes.default.svc",
                                  "--service-account-key-file=" + key,
                                  "--service-account-signing-key-file=" + key,
                                  "--token-auth-file=" + directory_ + "/tokens.csv",
                                  "--authorization-mode=Node,RBAC"};
    line.insert(line.end(), more.begin(), more.end());
    children_.push_back(support::start_program(line, -1, directory_ + "/apiserver.log"));
}

std::string Apiserver::log_end() const {
    std::string all;
    for (const auto* log : {"/etcd.log", "/apiserver.log"}) {
        std::ifstream file(directory_ + log);
        std::stringstream text;
        text << file.rdbuf();
        const auto whole = text.str();
        all += whole.substr(whole.size() - std::min<std::size_t>(whole.size(), 2000));
    }
    return all;
}

kube::ClusterAccess Apiserver::access(const std::string& token) const {
    kube::ClusterAccess access;
    access.host = address_;
    access.port = port_;
    access.ca.file = directory_ + "/certificates/apiserver.crt";
    access.token = token.empty() ? kAdminToken : token;
    return access;
}

std::unique_ptr<kube::Client> Apiserver::client(const std::string& token) const {
    return std::make_unique<kube::Client>(kube::transports_to(access(token))());
}

std::string Apiserver::kubeconfig(const std::string& token) const {
    const auto path = fmt::format("{}/kubeconfig-{}", directory_, std::hash<std::string>{}(token));
    write_file(path, fmt::format(R"(apiVersion: v1
kind: Config
clusters:
- name: c
  cluster: {{server: "https://{}:{}", certificate-authority: "{}/certificates/apiserver.crt"}}
users:
- name: u
  user: {{token: "{}"}}
contexts:
- name: x
  context: {{cluster: c, user: u}}
current-context: x
)",
                                 address_, port_, directory_, token.empty() ? kAdminToken : token));
    return path;
}

Json Apiserver::create(const std::string& path, const Json& object) const {
    return parsed(client()->create(path, object.dump()), "create in " + path);
}

Json Apiserver::get(const std::string& path) const { return parsed(client()->get(path), path); }

Json Apiserver::merge(const std::string& path, const Json& patch) const {
    return parsed(client()->merge(path, patch.dump()), "patch " + path);
}

void Apiserver::remove(const std::string& path) const {
    if (const auto done = client()->remove(path); !done) {
        throw SupportError(fmt::format("delete {}: {}", path, done.error().text()));
    }
}

std::string Apiserver::kubectl(std::vector<std::string> arguments, const std::string& input) const {
    // What it remembers of the server's resources is older than the CRDs.
    std::filesystem::remove_all(directory_ + "/kubectl");
    arguments.insert(arguments.begin(), {cluster_binary("kubectl"), "--kubeconfig", kubeconfig(),
                                         "--cache-dir", directory_ + "/kubectl"});
    return must_run(arguments, input);
}

void Apiserver::install_crds() const {
    kubectl({"apply", "-f", DF_SOURCE_DIR "/deploy/helm/directfaas/crds"});
    kubectl({"wait", "--for=condition=Established", "--timeout=60s",
             "crd/functionchains.directfaas.io", "crd/directfaasnodes.directfaas.io"});
}

Apiserver& apiserver() {
    static const auto server = [] {
        auto made = std::make_unique<Apiserver>();
        made->install_crds();
        return made;
    }();
    return *server;
}

}  // namespace directfaas::test
