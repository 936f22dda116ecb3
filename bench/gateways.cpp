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

std::string nginx_config(const std::string& directory, const std::string& callee) {
    return fmt::format(R"(daemon off;
worker_processes 1;
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
  upstream callee {{ server {1}; keepalive 128; keepalive_requests 100000000; }}
  server {{
    listen {2};
    location / {{
      proxy_pass http://callee;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}
}}
)",
                       directory, callee, kServerPort);
}

std::string haproxy_config(const std::string& callee) {
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
frontend all
  bind :{0}
  default_backend callee
backend callee
  server one {1}
)",
                       kServerPort, callee);
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
                   const support::SocketAddress& callee) {
    const auto directory = (std::filesystem::temp_directory_path() / name).string();
    std::filesystem::create_directory(directory);
    const auto config = directory + "/config";
    const auto log = directory + "/log";
    const bool nginx = name == "nginx";
    std::ofstream(config) << (nginx ? nginx_config(directory, callee.text())
                                    : haproxy_config(callee.text()));
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
