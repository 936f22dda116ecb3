// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <net/if.h>

#include "agent/backend/ebpf/clsact.h"
#include "agent/backend/ebpf/ebpf_backend.h"
#include "agent/backend/ebpf/tcx.h"
#include "test/ovs/sides.h"

namespace directfaas::backend {
namespace {

constexpr int kNext = -1;
constexpr int kRedirect = 7;

ebpf::Options options_of(const std::string& instance) {
    ebpf::Options options;
    options.instance = instance;
    options.max_functions = options.max_edges = options.max_vips = 1024;
    options.max_endpoints = 8192;
    options.max_connections = 16384;
    options.max_pods = 64;
    return options;
}

util::UniqueFd program_on(unsigned ifindex, ebpf::Hook hook) {
    std::uint32_t id = 0;
    for (const auto& running : ebpf::tcx::running(ifindex, hook)) {
        id = running.program_id;
    }
    for (const auto& filter : ebpf::clsact::filters(ifindex, hook)) {
        id = filter.program_id;
    }
    util::UniqueFd program(bpf_prog_get_fd_by_id(id));
    if (!program.valid()) {
        support::throw_errno("open the program of a pod");
    }
    return program;
}

}  // namespace

EventSink Report::sink() {
    return {
        .flow =
            [this](const FlowEvent& event) {
                told.insert({std::string(verdict_name(event.verdict)),
                             std::string(reason_name(event.reason)), event.from.text(),
                             event.to.text(), event.flow.source_port});
            },
        .held = [this](HeldPacket packet) { held[packet.flow.source_port] = std::move(packet); }};
}

EbpfSide::EbpfSide() : node_(support::unique_prefix() + "-ebpf"), instance_(node_.name()) {
    for (int i = 0; i < kLocalPods; ++i) {
        node_.ip({fmt::format("link add v{0} type veth peer name v{0}p", i)});
        interfaces_.push_back(
            node_.run([&] { return ::if_nametoindex(fmt::format("v{}", i).c_str()); }));
    }
    auto made = node_.run([&] { return ebpf::create(options_of(instance_)); });
    if (!made) {
        throw support::SupportError(made.error().text());
    }
    backend_ = std::move(*made);
}

EbpfSide::~EbpfSide() {
    node_.run([&] {
        backend_.reset();
        const auto removed = ebpf::remove_instance(options_of(instance_));
        EXPECT_TRUE(removed) << removed.error().text();
    });
}

void EbpfSide::make(const model::RuleSet& rules, const Settings& settings) {
    node_.run([&] {
        const auto configured = backend_->configure(settings);
        ASSERT_TRUE(configured) << configured.error().text();
        const auto applied = backend_->apply(model::plan({}, rules));
        ASSERT_TRUE(applied) << applied.error().text();
    });
}

EbpfSide::Ran EbpfSide::run(int pod, bool from_pod, const support::Bytes& frame) {
    return node_.run([&] {
        const unsigned ifindex = interfaces_.at(static_cast<std::size_t>(pod));
        const auto program =
            program_on(ifindex, from_pod ? ebpf::Hook::kIngress : ebpf::Hook::kEgress);
        __sk_buff context{};
        context.ifindex = ifindex;
        context.ingress_ifindex = from_pod ? 0 : 1;  // forwarded, not sent by the node
        Ran ran;
        ran.frame.resize(frame.size() + 256);
        LIBBPF_OPTS(bpf_test_run_opts, test, .data_in = frame.data(), .data_out = ran.frame.data(),
                    .data_size_in = static_cast<std::uint32_t>(frame.size()),
                    .data_size_out = static_cast<std::uint32_t>(ran.frame.size()),
                    .ctx_in = &context, .ctx_size_in = sizeof(context));
        if (bpf_prog_test_run_opts(program.get(), &test) != 0) {
            support::throw_errno("BPF_PROG_TEST_RUN");
        }
        ran.verdict = static_cast<int>(test.retval);
        ran.frame.resize(test.data_size_out);
        return ran;
    });
}

/// Nothing if the packet goes on.
std::optional<Outcome> EbpfSide::ended(const Ran& ran) {
    if (ran.verdict == kNext) {
        return std::nullopt;
    }
    Outcome outcome;
    const std::size_t held_before = report_.held.size();
    backend_->drain(report_.sink());
    if (ran.verdict != kRedirect) {
        outcome.end =
            report_.held.size() > held_before ? Outcome::End::kHeld : Outcome::End::kDropped;
        return outcome;
    }
    EXPECT_EQ(support::checksum_problem(ran.frame), "");
    outcome.packet = support::parse_frame(ran.frame).value();
    // A call to oneself comes back, too; no packet of these tests is a reset or an error.
    if (outcome.packet.quoted || (outcome.packet.tcp_flags & support::tcp_flag::kRst) != 0) {
        outcome.end = Outcome::End::kRefused;
        return outcome;
    }
    return std::nullopt;  // handed to another interface
}

Outcome EbpfSide::send(int from, const support::Bytes& frame) {
    Outcome outcome{.end = Outcome::End::kForwarded};
    Ran ran{kNext, frame};
    if (from != kElsewhere) {
        ran = run(from, true, frame);
        if (const auto end = ended(ran)) {
            return *end;
        }
    }
    outcome.packet = support::parse_frame(ran.frame).value();
    for (int pod = 0; pod < kLocalPods; ++pod) {
        if (outcome.packet.dst == RandomNode::pod_address(pod, true) ||
            outcome.packet.dst == RandomNode::pod_address(pod, false)) {
            outcome.to = pod;
        }
    }
    if (outcome.to != kElsewhere && ran.verdict != kRedirect) {
        ran = run(outcome.to, false, ran.frame);
        if (const auto end = ended(ran)) {
            return *end;
        }
        outcome.packet = support::parse_frame(ran.frame).value();
    }
    EXPECT_EQ(support::checksum_problem(ran.frame), "");
    return outcome;
}

const Report& EbpfSide::report() {
    backend_->drain(report_.sink());
    return report_;
}

Counters EbpfSide::counters() {
    const auto counters = backend_->counters();
    EXPECT_TRUE(counters) << counters.error().text();
    return counters.value_or(Counters());
}

}  // namespace directfaas::backend
