// SPDX-License-Identifier: Apache-2.0
// `bookinfo`: the demo's application, server and client in one program. It knows nothing of
// DirectFaaS: it serves and calls by name.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "deploy/demo-app/call.h"
#include "deploy/demo-app/serve.h"

int main(int argc, char** argv) {
    using namespace directfaas::demo;
    CLI::App app{"The application of the DirectFaaS demo"};
    app.require_subcommand(1);

    ServeOptions serve_options;
    auto* serve_command = app.add_subcommand("serve", "run one function");
    serve_command->add_option("name", serve_options.name, "what it calls itself")->required();
    serve_command->add_option("--port", serve_options.port, "port to listen on");
    serve_command->add_option("--calls", serve_options.calls, "functions it calls")->delimiter(',');
    serve_command->add_option("--delay-ms", serve_options.delay_ms, "wait before listening");
    serve_command->add_option("--listening-file", serve_options.listening_file,
                              "write the time of listening there");

    int gateway_port = 8080;
    std::string target;
    auto* gateway_command = app.add_subcommand("gateway", "forward requests to one function");
    gateway_command->add_option("target", target, "host:port")->required();
    gateway_command->add_option("--port", gateway_port, "port to listen on");

    CallOptions call_options;
    auto* call_command = app.add_subcommand("call", "send requests and count what became of them");
    call_command->add_option("host", call_options.host, "name or address")->required();
    call_command->add_option("--port", call_options.port, "port");
    call_command->add_option("--path", call_options.path, "path");
    call_command->add_option("--source", call_options.source, "source address to bind to");
    call_command->add_option("--count", call_options.count, "requests; 0: until SIGTERM");
    call_command->add_option("--rate", call_options.rate, "requests a second; 0: no pause");
    call_command->add_option("--timeout-ms", call_options.timeout_ms, "limit of one request");
    call_command->add_flag("--keep", call_options.keep,
                           "one connection for all requests; calling ends with it");
    call_command->add_flag("--show", call_options.show_answers, "print the answers");

    CLI11_PARSE(app, argc, argv);
    if (*serve_command) {
        return serve(serve_options);
    }
    if (*gateway_command) {
        return gateway(gateway_port, target);
    }
    return call(call_options);
}
