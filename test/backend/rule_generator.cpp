// SPDX-License-Identifier: Apache-2.0
#include "test/backend/rule_generator.h"

#include <fmt/format.h>

#include <algorithm>

namespace directfaas::backend::ebpf {
namespace {

constexpr int kFunctions = 12;
constexpr int kEntries = 3;
constexpr int kPods = 40;
constexpr int kVips = 20;

util::IpAddress address(bool v6, const char* network4, const char* network6, int number) {
    return *util::IpAddress::parse(v6 ? fmt::format("{}{:x}", network6, number)
                                      : fmt::format("{}{}", network4, number));
}

class Generator {
   public:
    Generator(std::mt19937& random, const std::vector<unsigned>& interfaces)
        : random_(random), interfaces_(interfaces) {}

    model::RuleSet rules() {
        add_identities();
        add_addresses();
        add_routes();
        add_edges();
        add_attachments();
        return std::move(rules_);
    }

   private:
    int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
    bool chance(int percent) { return below(100) < percent; }

    std::set<model::PortProtocol> ports() {
        std::set<model::PortProtocol> some;
        for (int i = below(3); i > 0; --i) {
            some.insert({static_cast<std::uint16_t>(8000 + below(4)),
                         chance(50) ? util::Protocol::kTcp : util::Protocol::kUdp});
        }
        return some;
    }

    void add_identities() {
        for (int i = 0; i < kFunctions; ++i) {
            if (chance(70)) {
                const model::Identity who{model::IdentityKind::kFunction,
                                          {i % 2 == 0 ? "shop" : "bank", fmt::format("f{}", i)}};
                rules_.identities[who] = {static_cast<model::Enforcement>(below(3)), chance(50),
                                          ports(), ports()};
                functions_.push_back(who);
            }
        }
        callers_ = functions_;
        for (int i = 0; i < kEntries; ++i) {
            if (chance(70)) {
                const model::Identity who{model::IdentityKind::kEntry,
                                          {"shop", fmt::format("f{}", i)}};
                rules_.identities[who] = {};
                callers_.push_back(who);
            }
        }
    }

    void add_addresses() {
        for (int i = 1; i <= kPods && !callers_.empty(); ++i) {
            if (chance(60)) {
                rules_.addresses[address(i % 2 == 0, "10.1.0.", "fd00:1::", i)] = any(callers_);
            }
        }
    }

    void add_routes() {
        for (int i = 1; i <= kVips && !functions_.empty(); ++i) {
            // Two ports of one vIP, of the same or of different functions.
            for (const std::uint16_t port : {80, 81}) {
                if (!chance(50)) {
                    continue;
                }
                auto& route =
                    rules_.routes[{address(i % 2 == 0, "10.96.0.", "fd00:96::", i), port,
                                   chance(70) ? util::Protocol::kTcp : util::Protocol::kUdp}];
                route.function = any(functions_);
                route.when_empty = chance(50) ? model::WhenEmpty::kHold : model::WhenEmpty::kRefuse;
                route.affinity = std::chrono::seconds{chance(20) ? 600 : 0};
                add_endpoints(route, i % 2 == 0);
            }
        }
    }

    void add_endpoints(model::RouteRule& route, bool v6) {
        std::map<std::pair<util::IpAddress, std::uint16_t>, model::RouteEndpoint> unique;
        for (int i = below(7); i > 0; --i) {
            const model::RouteEndpoint endpoint{
                address(v6, "10.1.0.", "fd00:1::", 1 + below(kPods)),
                static_cast<std::uint16_t>(8000 + below(2)),
                chance(70) ? model::EndpointState::kReady : model::EndpointState::kDraining,
                static_cast<unsigned>(chance(50) ? 0 : 1 + below(9))};
            unique[{endpoint.address, endpoint.port}] = endpoint;
        }
        for (const auto& [place, endpoint] : unique) {
            route.endpoints.push_back(endpoint);
        }
    }

    void add_edges() {
        for (int i = below(30); i > 0 && !functions_.empty(); --i) {
            rules_.allowed.insert(
                {chance(20) ? model::Identity{} : any(callers_), any(functions_)});
        }
    }

    void add_attachments() {
        for (std::size_t i = 0; i < interfaces_.size() && !callers_.empty(); ++i) {
            if (!chance(70)) {
                continue;
            }
            // Sometimes another pod is behind the same interface number than before.
            const auto name = fmt::format("pod-{}{}", i, chance(80) ? "" : "-new");
            std::vector<util::IpAddress> addresses;
            for (int n = 1 + below(3); n > 0; --n) {
                addresses.push_back(address(chance(50), "10.1.0.", "fd00:1::", 1 + below(kPods)));
            }
            std::ranges::sort(addresses);
            rules_.attachments[{"shop", name}] = {any(callers_), interfaces_[i], addresses,
                                                  chance(50)};
        }
    }

    const model::Identity& any(const std::vector<model::Identity>& list) {
        return list[static_cast<std::size_t>(below(static_cast<int>(list.size())))];
    }

    std::mt19937& random_;
    const std::vector<unsigned>& interfaces_;
    std::vector<model::Identity> functions_;
    std::vector<model::Identity> callers_;
    model::RuleSet rules_;
};

}  // namespace

model::RuleSet random_rules(std::mt19937& random, const std::vector<unsigned>& interfaces) {
    return Generator(random, interfaces).rules();
}

}  // namespace directfaas::backend::ebpf
