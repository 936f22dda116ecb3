// SPDX-License-Identifier: Apache-2.0
// Random objects of two small namespaces. Few names, labels and addresses, so that objects refer
// to each other, overlap and, now and then, contradict.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "lib/model/model.h"

namespace directfaas::model::test {

class RandomWorld {
   public:
    explicit RandomWorld(unsigned seed) : random_(seed) {}

    int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }
    bool chance(double probability) { return std::bernoulli_distribution(probability)(random_); }
    std::mt19937& random() { return random_; }

    /// An origin and what it shall hold: mostly one object, sometimes none or several.
    OriginContent change();
    ObjectName pod_name();
    std::optional<Link> link();

   private:
    std::string ns() { return chance(0.5) ? "a" : "b"; }
    SourceLine where() { return {"file" + std::to_string(below(3)), below(100)}; }
    util::IpAddress pod_address();
    Object object(int kind, const std::string& ns, int number);
    FunctionChain chain(const std::string& ns, int number);
    ChainFunction function(const std::string& ns, int number);
    Service service(const std::string& ns, int number);
    EndpointSlice slice(const std::string& ns, int number);
    Pod pod(const std::string& ns, int number);
    NetworkPolicy policy(const std::string& ns, int number);

    std::mt19937 random_;
};

}  // namespace directfaas::model::test
