// SPDX-License-Identifier: Apache-2.0
#include "test/unit/model/fixture.h"

#include <algorithm>
#include <ostream>

namespace directfaas::model::test {

util::IpAddress ip(std::string_view text) { return util::IpAddress::parse(text).value(); }

Identity function(const std::string& name, const std::string& ns) {
    return {IdentityKind::kFunction, {ns, name}};
}

Identity entry(const std::string& name, const std::string& ns) {
    return {IdentityKind::kEntry, {ns, name}};
}

RouteKey tcp(std::string_view vip, std::uint16_t port) {
    return {ip(vip), port, util::Protocol::kTcp};
}

FunctionChain chain(const std::string& name, const std::vector<std::string>& functions,
                    const std::vector<std::pair<std::string, std::string>>& edges) {
    FunctionChain chain;
    const std::string file = name + ".yaml";
    chain.name = {"shop", name};
    chain.where = at(1, file);
    int line = 10;
    for (const auto& function : functions) {
        ChainFunction declared;
        declared.name = function;
        declared.service = function;
        declared.where = at(line++, file);
        chain.functions.push_back(declared);
    }
    line = 20;
    for (const auto& [from, to] : edges) {
        chain.edges.push_back({from, to, at(line++, file)});
    }
    return chain;
}

FunctionChain bookinfo_chain() {
    auto bookinfo =
        chain("bookinfo", {"productpage", "details", "reviews", "ratings"},
              {{"productpage", "details"}, {"productpage", "reviews"}, {"reviews", "ratings"}});
    declared(bookinfo, "productpage").ingress = true;
    bookinfo.entries = {{"gateway", {{"app", "gateway"}}, at(30)}};
    return bookinfo;
}

ChainFunction& declared(FunctionChain& chain, const std::string& name) {
    return *std::ranges::find(chain.functions, name, &ChainFunction::name);
}

Service service(const std::string& name, std::string_view vip, const std::string& ns) {
    Service service;
    service.name = {ns, name};
    service.cluster_ips = {ip(vip)};
    service.selector = {{"app", name}};
    service.ports = {{"http", 80, util::Protocol::kTcp}};
    service.where = at(1, name + "-service.yaml");
    return service;
}

EndpointSlice slice(const std::string& service, const std::vector<std::string>& addresses,
                    const std::string& name) {
    EndpointSlice slice;
    slice.name = {"shop", name.empty() ? service + "-1" : name};
    slice.service = service;
    slice.ports = {{"http", 9080, util::Protocol::kTcp}};
    for (const auto& address : addresses) {
        slice.endpoints.push_back({ip(address)});
    }
    slice.where = at(1, slice.name.name + "-slice.yaml");
    return slice;
}

Pod pod(const std::string& name, const std::string& app, const std::vector<std::string>& ips) {
    Pod pod;
    pod.name = {"shop", name};
    pod.labels = {{"app", app}};
    for (const auto& address : ips) {
        pod.ips.push_back(ip(address));
    }
    pod.where = at(1, name + "-pod.yaml");
    return pod;
}

std::vector<Object> bookinfo_services() {
    return {service("productpage", "10.96.0.1"), slice("productpage", {"10.244.1.1"}),
            service("details", "10.96.0.2"),     slice("details", {"10.244.1.2"}),
            service("reviews", "10.96.0.3"),     slice("reviews", {"10.244.1.3"}),
            service("ratings", "10.96.0.4"),     slice("ratings", {"10.244.1.4"})};
}

RuleDelta ModelTest::put(const std::string& origin, std::vector<Object> objects) {
    auto delta = model_.replace(origin, std::move(objects));
    if (!delta) {
        for (const auto& problem : delta.error()) {
            ADD_FAILURE() << problem.text();
        }
        return {};
    }
    follow(*delta);
    return *delta;
}

std::vector<Problem> ModelTest::refused(const std::string& origin, std::vector<Object> objects) {
    const auto pods = model_.local_pods();
    const auto warnings = model_.warnings();
    auto delta = model_.replace(origin, std::move(objects));
    EXPECT_FALSE(delta.has_value());
    EXPECT_EQ(rules(), followed_) << "a refused change must change nothing";
    EXPECT_EQ(model_.local_pods(), pods);
    EXPECT_EQ(model_.warnings(), warnings);
    return delta ? std::vector<Problem>{} : delta.error();
}

RuleDelta ModelTest::link(const std::string& pod, std::optional<Link> link) {
    auto delta = model_.set_link({"shop", pod}, link);
    follow(delta);
    return delta;
}

void ModelTest::load_bookinfo() {
    put("bookinfo.yaml", {bookinfo_chain()});
    put("services.yaml", bookinfo_services());
}

void ModelTest::follow(const RuleDelta& delta) {
    const RuleSet before = followed_;
    apply(delta, followed_);
    EXPECT_EQ(followed_, rules()) << "deltas must add up to the rules";
    EXPECT_EQ(delta, plan(before, followed_)) << "a delta must say what changed and no more";
}

const RouteRule& ModelTest::route(std::string_view vip, std::uint16_t port) const {
    static const RouteRule kNone;
    const auto found = rules().routes.find(tcp(vip, port));
    if (found == rules().routes.end()) {
        ADD_FAILURE() << "no route " << tcp(vip, port).text();
        return kNone;
    }
    return found->second;
}

bool ModelTest::allowed(const Identity& from, const Identity& to) const {
    return rules().allowed.contains({from, to});
}

Explanation ModelTest::explain(const std::string& from, const std::string& to,
                               std::optional<std::uint16_t> port) const {
    auto explained = model_.explain(from, to, port);
    if (!explained) {
        ADD_FAILURE() << explained.error().text();
        return {};
    }
    return *explained;
}

}  // namespace directfaas::model::test

namespace directfaas::model {

void PrintTo(const Problem& problem, std::ostream* out) { *out << problem.text(); }
void PrintTo(const Identity& identity, std::ostream* out) { *out << identity.text(); }
void PrintTo(const RouteKey& key, std::ostream* out) { *out << key.text(); }
void PrintTo(const RouteEndpoint& endpoint, std::ostream* out) {
    *out << util::endpoint_text(endpoint.address, endpoint.port)
         << (endpoint.state == EndpointState::kReady ? " ready" : " draining") << " behind "
         << endpoint.ifindex;
}
void PrintTo(const AllowKey& key, std::ostream* out) {
    *out << key.from.text() << " → " << key.to.text();
}
void PrintTo(const SourceLine& where, std::ostream* out) { *out << where.text(); }

}  // namespace directfaas::model
