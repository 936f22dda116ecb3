// SPDX-License-Identifier: Apache-2.0
// The Bookinfo application (productpage → details, reviews; reviews → ratings; gateway as entry)
// as objects, and a Model that checks with every step that its deltas add up to its rules.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "lib/model/model.h"

namespace directfaas::model::test {

util::IpAddress ip(std::string_view text);
inline SourceLine at(int line, std::string file = "bookinfo.yaml") {
    return {std::move(file), line};
}
Identity function(const std::string& name, const std::string& ns = "shop");
Identity entry(const std::string& name, const std::string& ns = "shop");
inline Identity outside() { return {}; }
RouteKey tcp(std::string_view vip, std::uint16_t port = 80);

/// Lines 10 to 13 declare functions, 20 to 22 edges, 30 the entry.
FunctionChain bookinfo_chain();
ChainFunction& declared(FunctionChain& chain, const std::string& name);
/// A chain of namespace shop with these functions and edges, each on a line of its own.
FunctionChain chain(const std::string& name, const std::vector<std::string>& functions,
                    const std::vector<std::pair<std::string, std::string>>& edges);

/// Port 80 "http", selector app=<name>.
Service service(const std::string& name, std::string_view vip, const std::string& ns = "shop");
/// Port 9080 "http", all endpoints ready.
EndpointSlice slice(const std::string& service, const std::vector<std::string>& addresses,
                    const std::string& name = "");
/// On this node, label app=<app>.
Pod pod(const std::string& name, const std::string& app, const std::vector<std::string>& ips);

/// vIPs 10.96.0.1 to 4 (productpage, details, reviews, ratings), slices with 10.244.1.1 to 4.
std::vector<Object> bookinfo_services();

class ModelTest : public testing::Test {
   protected:
    static constexpr const char* kNode = "node-1";

    /// Replaces an origin that must be accepted.
    RuleDelta put(const std::string& origin, std::vector<Object> objects);
    /// Replaces an origin that must be refused; checks that nothing changed.
    std::vector<Problem> refused(const std::string& origin, std::vector<Object> objects);
    RuleDelta link(const std::string& pod, std::optional<Link> link);
    /// The chain and everything it needs but pods.
    void load_bookinfo();

    const RuleSet& rules() const { return model_.rules(); }
    const RouteRule& route(std::string_view vip, std::uint16_t port = 80) const;
    bool allowed(const Identity& from, const Identity& to) const;
    Explanation explain(const std::string& from, const std::string& to,
                        std::optional<std::uint16_t> port = {}) const;

    Model model_{{kNode, {*util::IpPrefix::parse("10.244.0.0/16")}}};

   private:
    void follow(const RuleDelta& delta);

    RuleSet followed_;  // all deltas, applied to nothing
};

/// Matches a Problem by parts of its text.
inline auto problem(Problem::Severity severity, const SourceLine& where, const std::string& object,
                    const std::string& message, const std::string& advice = "") {
    using testing::AllOf;
    using testing::Field;
    using testing::HasSubstr;
    return AllOf(Field("severity", &Problem::severity, severity),
                 Field("where", &Problem::where, where), Field("object", &Problem::object, object),
                 Field("message", &Problem::message, HasSubstr(message)),
                 Field("advice", &Problem::advice, HasSubstr(advice)));
}
inline auto error(const SourceLine& where, const std::string& object, const std::string& message,
                  const std::string& advice = "") {
    return problem(Problem::Severity::kError, where, object, message, advice);
}
inline auto warning(const SourceLine& where, const std::string& object, const std::string& message,
                    const std::string& advice = "") {
    return problem(Problem::Severity::kWarning, where, object, message, advice);
}

}  // namespace directfaas::model::test

namespace directfaas::model {

// How values read when an expectation fails.
void PrintTo(const Problem& problem, std::ostream* out);
void PrintTo(const Identity& identity, std::ostream* out);
void PrintTo(const RouteKey& key, std::ostream* out);
void PrintTo(const RouteEndpoint& endpoint, std::ostream* out);
void PrintTo(const AllowKey& key, std::ostream* out);
void PrintTo(const SourceLine& where, std::ostream* out);

}  // namespace directfaas::model
