// SPDX-License-Identifier: Apache-2.0
#include "test/unit/model/random_rules.h"

#include <array>

namespace directfaas::model::test {
namespace {

constexpr int kNames = 4;
constexpr int kAddresses = 6;

class Dice {
   public:
    Dice(std::mt19937& random, double density) : random_(random), density_(density) {}
    bool present() { return std::bernoulli_distribution(density_)(random_); }
    int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }

   private:
    std::mt19937& random_;
    double density_;
};

util::IpAddress address(int number) {
    std::array<std::uint8_t, 16> bytes{0xfd};
    bytes[15] = static_cast<std::uint8_t>(number);
    return util::IpAddress(bytes);
}

Identity identity(int number) {
    if (number == 0) {
        return {};
    }
    return {number % 2 == 0 ? IdentityKind::kFunction : IdentityKind::kEntry,
            {"ns", "n" + std::to_string(number)}};
}

IdentityRule identity_rule(Dice& dice) {
    IdentityRule rule;
    rule.enforcement = static_cast<Enforcement>(dice.below(3));
    rule.fast_path = dice.below(4) != 0;
    rule.ingress = dice.present();
    if (dice.present()) {
        rule.served.insert({static_cast<std::uint16_t>(dice.below(3)), util::Protocol::kTcp});
    }
    return rule;
}

RouteRule route_rule(Dice& dice) {
    RouteRule rule;
    rule.function = identity(dice.below(kNames));
    rule.when_empty = dice.present() ? WhenEmpty::kHold : WhenEmpty::kRefuse;
    for (int i = 0; i < kAddresses; ++i) {
        if (dice.present()) {
            rule.endpoints.push_back({address(i), 80, static_cast<EndpointState>(dice.below(2))});
        }
    }
    return rule;
}

}  // namespace

RuleSet random_rules(std::mt19937& random, double density) {
    Dice dice(random, density);
    RuleSet rules;
    for (int i = 0; i < kNames; ++i) {
        if (dice.present()) {
            rules.identities[identity(i)] = identity_rule(dice);
        }
        if (dice.present()) {
            rules.attachments[{"ns", "pod" + std::to_string(i)}] = {
                identity(dice.below(kNames)), static_cast<unsigned>(dice.below(3)), {address(i)}};
        }
        for (int j = 0; j < kNames; ++j) {
            if (dice.present()) {
                rules.allowed.insert({identity(i), identity(j)});
            }
        }
    }
    for (int i = 0; i < kAddresses; ++i) {
        if (dice.present()) {
            rules.addresses[address(i)] = identity(dice.below(kNames));
        }
        if (dice.present()) {
            rules.routes[{address(i), 80, util::Protocol::kTcp}] = route_rule(dice);
        }
    }
    return rules;
}

}  // namespace directfaas::model::test
