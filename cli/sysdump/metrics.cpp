// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <httplib.h>

#include "cli/sysdump/collect.h"

namespace directfaas::cli {

std::string read_metrics(const std::string& address) {
    if (address.empty()) {
        return "not read: the agent serves no metrics (--http-listen off), or there is no agent\n";
    }
    // Who listens everywhere is reached at the loopback address.
    auto place = address;
    for (const auto& [everywhere, loopback] :
         {std::pair("0.0.0.0:", "127.0.0.1:"), std::pair("[::]:", "[::1]:")}) {
        if (place.starts_with(everywhere)) {
            place = loopback + place.substr(std::string_view(everywhere).size());
        }
    }
    httplib::Client client("http://" + place);
    client.set_connection_timeout(5);
    client.set_read_timeout(10);
    const auto answer = client.Get("/metrics");
    if (!answer) {
        return fmt::format("not read: http://{}/metrics: {}\n", place,
                           httplib::to_string(answer.error()));
    }
    return answer->status == 200
               ? answer->body
               : fmt::format("not read: http://{}/metrics: status {}\n", place, answer->status);
}

}  // namespace directfaas::cli
