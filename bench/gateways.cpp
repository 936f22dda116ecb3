// SPDX-License-Identifier: Apache-2.0
#include "bench/gateways.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "bench/ways.h"
#include "test/support/command.h"
#include "test/support/wait.h"

namespace directfaas::bench {
namespace {

constexpr auto kNginx = "/usr/sbin/nginx";
constexpr auto kHaproxy = "/usr/sbin/haproxy";

/// A listener and where it sends what it is asked.
struct Front {
    std::string name;    // of the family
    std::string listen;  // address and port of its family
    std::string callee;
};

std::string nginx_front(const Front& front) {
    return fmt::format(
        R"(  upstream {0} {{ server {1}; keepalive 128; keepalive_requests 100000000; }}
  server {{
    listen {2};
    location / {{
      proxy_pass http://{0};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}
)",
        front.name, front.callee, front.listen);
}

/// One process, as a worker would outlive the master that ends with the benchmark.
std::string nginx_config(const std::string& directory, const Front& v4, const Front& v6) {
    return fmt::format(R"(daemon off;
master_process off;
pid {0}/pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {0}/body;
  proxy_temp_path {0}/proxy;
  fastcgi_temp_path {0}/fastcgi;
  uwsgi_temp_path {0}/uwsgi;
  scgi_temp_path {0}/scgi;
  keepalive_requests 100000000;
{1}{2}}}
)",
                       directory, nginx_front(v4), nginx_front(v6));
}

std::string haproxy_front(const Front& front) {
    return fmt::format(R"(frontend {0}
  bind {1}
  default_backend to_{0}
backend to_{0}
  server one {2}
)",
                       front.name, front.listen, front.callee);
}

std::string haproxy_config(const Front& v4, const Front& v6) {
    return fmt::format(R"(global
  nbthread 1
  maxconn 1024
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  option http-keep-alive
  http-reuse always
{}{})",
                       haproxy_front(v4), haproxy_front(v6));
}

}  // namespace

std::vector<std::string> installed_gateways() {
    std::vector<std::string> found;
    for (const auto& [name, path] : {std::pair{"nginx", kNginx}, std::pair{"haproxy", kHaproxy}}) {
        if (::access(path, X_OK) == 0) {
            found.emplace_back(name);
        }
    }
    return found;
}

void start_gateway(const std::string& name, const support::Pod& pod,
                   const support::SocketAddress& callee_v4,
                   const support::SocketAddress& callee_v6) {
    const auto directory = (std::filesystem::temp_directory_path() / name).string();
    std::filesystem::create_directory(directory);
    const auto config = directory + "/config";
    const auto log = directory + "/log";
    const bool nginx = name == "nginx";
    const Front v4{"v4", fmt::format("0.0.0.0:{}", kServerPort), callee_v4.text()};
    const Front v6{"v6", support::SocketAddress{pod.ip(support::Family::kV6), kServerPort}.text(),
                   callee_v6.text()};
    std::ofstream(config) << (nginx ? nginx_config(directory, v4, v6) : haproxy_config(v4, v6));
    support::start_program(nginx ? std::vector<std::string>{kNginx, "-p", directory, "-c", config}
                                 : std::vector<std::string>{kHaproxy, "-db", "-f", config},
                           pod.netns().fd(), log);
    const support::SocketAddress address{pod.ip(support::Family::kV4), kServerPort};
    if (!support::wait_until(
            [&] { return support::TcpClient::connect(pod.netns(), address).has_value(); })) {
        std::stringstream output;
        output << std::ifstream(log).rdbuf();
        throw support::SupportError(name + " does not listen:\n" + output.str());
    }
}

}  // namespace directfaas::bench
