// SPDX-License-Identifier: Apache-2.0
#include "lib/model/explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "lib/model/object_text.h"

namespace directfaas::model {
namespace {

constexpr const char* kOutsideName = "outside";

std::expected<Identity, Problem> resolve(const Generator& generator, const std::string& text) {
    const auto slash = text.find('/');
    std::vector<Identity> found;
    const auto look = [&](const auto& known) {
        for (const auto& [identity, state] : known) {
            if (slash == std::string::npos ? identity.name.name == text
                                           : identity.name.text() == text) {
                found.push_back(identity);
            }
        }
    };
    look(generator.functions());
    look(generator.entries());
    if (found.size() == 1) {
        return found.front();
    }
    if (found.empty()) {
        return std::unexpected(
            Problem{.where = {},
                    .object = {},
                    .message = fmt::format("no function or entry is called {}", text),
                    .advice = "Use a name of a FunctionChain, as name or namespace/name"});
    }
    std::vector<std::string> names;
    names.reserve(found.size());
    for (const auto& identity : found) {
        names.push_back(identity.name.text());
    }
    return std::unexpected(
        Problem{.where = {},
                .object = {},
                .message = fmt::format("{} is ambiguous: {}", text, fmt::join(names, ", ")),
                .advice = "Name the namespace too"});
}

std::string place(const FunctionChain& chain, const SourceLine& where) {
    return fmt::format("{} ({})", describe(chain), where.text());
}

/// Explains a call to a function.
class CallExplanation {
   public:
    CallExplanation(const Generator& generator, Identity from, const FunctionNode& callee)
        : generator_(generator), callee_(callee), state_(callee.second) {
        out_.from = std::move(from);
        out_.to = callee.first;
        out_.enforcement = state_.in_graph.enforcement;
    }

    Explanation run(std::optional<std::uint16_t> port) {
        const auto& rules = generator_.rules();
        for (const auto& key : state_.routes) {
            if (!port || key.port == *port) {
                out_.routes.push_back(key);
            }
        }
        const auto& judged = rules.identities.at(callee_.first);
        const auto has = [&](const std::set<PortProtocol>& ports) {
            return port && std::ranges::any_of(ports, [&](auto p) { return p.port == *port; });
        };
        if (has(judged.open)) {
            allow(statement().where,
                  fmt::format("openPorts of {} lists port {}, so anybody may call it",
                              phrase(callee_.first), *port));
        } else if (port && out_.routes.empty() && !has(judged.served)) {
            deny_port(*port, judged);
        } else {
            explain_edge();
        }
        add_enforcement();
        return std::move(out_);
    }

   private:
    [[nodiscard]] const ChainFunction& statement() const { return *state_.in_graph.statement; }
    [[nodiscard]] const FunctionChain& chain() const { return *state_.in_graph.chain; }
    [[nodiscard]] std::string callee_place() const { return place(chain(), statement().where); }

    void allow(const SourceLine& because, std::string reason) {
        out_.allowed = true;
        out_.because = because;
        out_.reason = std::move(reason);
    }
    void deny(std::string reason, std::string advice) {
        out_.reason = std::move(reason);
        out_.advice = std::move(advice);
    }

    void deny_port(std::uint16_t port, const IdentityRule& judged) {
        std::set<std::uint16_t> ports;
        for (const auto& key : state_.routes) {
            ports.insert(key.port);
        }
        for (const auto& served : judged.served) {
            ports.insert(served.port);
        }
        deny(fmt::format("{} does not serve port {}", phrase(callee_.first), port),
             fmt::format("{}, or add {} to openPorts of function {} in {}",
                         ports.empty() ? "It serves no port yet: see its Service"
                                       : fmt::format("Call port {}", fmt::join(ports, " or ")),
                         port, statement().name, callee_place()));
    }

    void explain_edge() {
        const auto callers = generator_.callers_of(callee_);
        const auto found = std::ranges::find(callers, out_.from, &Caller::identity);
        if (found == callers.end()) {
            explain_missing();
            return;
        }
        allow(*found->where, because(*found));
    }

    [[nodiscard]] std::string because(const Caller& caller) const {
        const auto& name = statement().name;
        const auto in = place(*caller.chain, *caller.where);
        switch (caller.grounds) {
            case Grounds::kEdge:
                return fmt::format("edge {} → {} of {} allows it", caller.identity.name.name, name,
                                   in);
            case Grounds::kSelf:
                return fmt::format("allowSelf of function {} in {} allows it", name, in);
            case Grounds::kExposure:
                return fmt::format("function {} is an ingress function by {}", name, in);
            case Grounds::kEntry:
                return fmt::format("entry {} of {} may call ingress functions, and {} is one",
                                   caller.identity.name.name, in, name);
            case Grounds::kFrom:
                return fmt::format("exposure.from of function {} in {} names {}", name, in,
                                   caller.identity.name.text());
        }
        return {};
    }

    void explain_missing() {
        const auto& from = out_.from;
        const auto& name = statement().name;
        if (from.kind == IdentityKind::kOutside) {
            deny(fmt::format("{} is internal: only functions with an edge to it may call it",
                             phrase(out_.to)),
                 fmt::format("Set exposure.type: Ingress on function {} in {}", name,
                             callee_place()));
        } else if (from == out_.to) {
            deny(fmt::format("{} may not call itself", phrase(from)),
                 fmt::format("Set allowSelf: true on function {} in {}", name, callee_place()));
        } else if (from.name.ns != out_.to.name.ns) {
            deny(fmt::format("{} is in another namespace, and exposure.from of {} does not name it",
                             phrase(from), phrase(out_.to)),
                 fmt::format("Add {} to exposure.from of function {} in {}", from.name.text(), name,
                             callee_place()));
        } else if (from.kind == IdentityKind::kEntry) {
            deny(fmt::format("{} may call ingress functions only, and {} is internal", phrase(from),
                             phrase(out_.to)),
                 fmt::format("Set exposure.type: Ingress on function {} in {}", name,
                             callee_place()));
        } else {
            deny(fmt::format("no edge allows {} → {}", from.name.text(), out_.to.name.text()),
                 edge_advice());
        }
    }

    [[nodiscard]] std::string edge_advice() const {
        const auto& from = out_.from.name.name;
        const auto& to = statement().name;
        const auto back = find_path(*generator_.graph(out_.to.name.ns), to, from);
        if (!back.empty()) {
            return fmt::format("An edge {} → {} would close a cycle, for {} leads to {}: {}", from,
                               to, to, from, fmt::join(back, "→"));
        }
        std::vector<std::string> places;
        for (const auto* candidate : chains_to_extend()) {
            // The edge belongs below the last one.
            const auto& edges = candidate->edges;
            places.push_back(fmt::format("{} {}", describe(*candidate),
                                         edges.empty() ? "at " + candidate->where.text()
                                                       : "after " + edges.back().where.text()));
        }
        return fmt::format("Add \"- {{from: {}, to: {}}}\" to edges[] of {}", from, to,
                           fmt::join(places, " or "));
    }

    /// Chains that list both functions; if none does, those that list either.
    [[nodiscard]] std::vector<const FunctionChain*> chains_to_extend() const {
        std::vector<const FunctionChain*> both;
        std::vector<const FunctionChain*> either;
        for (const auto* candidate : generator_.objects().chains_in(out_.to.name.ns)) {
            const auto lists = [&](const std::string& name) {
                return std::ranges::find(candidate->functions, name, &ChainFunction::name) !=
                       candidate->functions.end();
            };
            const bool caller = lists(out_.from.name.name);
            const bool callee = lists(statement().name);
            if (caller && callee) {
                both.push_back(candidate);
            }
            if (caller || callee) {
                either.push_back(candidate);
            }
        }
        return both.empty() ? either : both;
    }

    void add_enforcement() {
        if (out_.allowed || out_.enforcement == Enforcement::kEnforce) {
            return;
        }
        out_.reason += out_.enforcement == Enforcement::kAudit
                           ? "; enforcement is Audit, so it passes and is reported"
                           : "; enforcement is Disabled, so it passes";
    }

    const Generator& generator_;
    const FunctionNode& callee_;
    const FunctionState& state_;
    Explanation out_;
};

Explanation explain_entry(const Generator& generator, Identity from, const Identity& to) {
    const auto& entry = generator.entries().at(to);
    Explanation out;
    out.from = std::move(from);
    out.to = to;
    out.allowed = true;
    out.enforcement = entry.enforcement;
    out.because = entry.statement->where;
    out.reason = fmt::format("{} is no function: calls to it are not judged", phrase(to));
    return out;
}

}  // namespace

std::expected<Explanation, Problem> explain_call(const Generator& generator,
                                                 const std::string& from, const std::string& to,
                                                 std::optional<std::uint16_t> port) {
    auto caller = from == kOutsideName ? Identity{} : resolve(generator, from);
    if (!caller) {
        return std::unexpected(std::move(caller.error()));
    }
    auto callee = resolve(generator, to);
    if (!callee) {
        return std::unexpected(std::move(callee.error()));
    }
    if (callee->kind == IdentityKind::kEntry) {
        return explain_entry(generator, std::move(*caller), *callee);
    }
    return CallExplanation(generator, std::move(*caller), *generator.functions().find(*callee))
        .run(port);
}

}  // namespace directfaas::model
