// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/ebpf_backend.h"

#include <fmt/format.h>

#include <mutex>
#include <random>
#include <utility>

#include "agent/backend/ebpf/addresses.h"
#include "agent/backend/ebpf/attachments.h"
#include "agent/backend/ebpf/bypass.h"
#include "agent/backend/ebpf/counters.h"
#include "agent/backend/ebpf/edges.h"
#include "agent/backend/ebpf/encode.h"
#include "agent/backend/ebpf/events.h"
#include "agent/backend/ebpf/explain.h"
#include "agent/backend/ebpf/identities.h"
#include "agent/backend/ebpf/inherit.h"
#include "agent/backend/ebpf/libbpf_log.h"
#include "agent/backend/ebpf/objects.h"
#include "agent/backend/ebpf/outcome.h"
#include "agent/backend/ebpf/replay.h"
#include "agent/backend/ebpf/rights.h"
#include "agent/backend/ebpf/routes.h"
#include "agent/backend/ebpf/sweep.h"
#include "agent/backend/ebpf/tcx.h"
#include "agent/backend/ebpf/uplinks.h"

namespace directfaas::backend::ebpf {
namespace {

using util::Result;

class EbpfBackend final : public Backend {
   public:
    EbpfBackend(Options options, Pins pins, Tables tables, Programs programs,
                OpenCounts open_counts, Mechanism mechanism)
        : options_(std::move(options)),
          pins_(std::move(pins)),
          tables_(std::move(tables)),
          programs_(std::move(programs)),
          attacher_(pins_, mechanism, {filter_handle(options_.instance), options_.tc_priority}),
          open_counts_(std::move(open_counts)),
          identities_(tables_),
          edges_(tables_),
          addresses_(tables_),
          routes_(tables_),
          fast_path_(tables_, attacher_, routes_),
          attachments_(tables_, attacher_, programs_, fast_path_),
          uplinks_(pins_, options_.uplinks),
          sweep_(tables_, open_counts_, programs_.sweep.get()) {}

    /// Takes over what is pinned. `anew`: programs run that an agent of another layout left, whose
    /// tables are not these.
    Result<void> load(bool anew);

    Result<void> apply(const model::RuleDelta& delta) override;
    Result<model::RuleSet> dump() override;
    Result<Counters> counters() override;
    [[nodiscard]] int event_fd() const override { return events_->fd(); }
    void drain(const EventSink& sink) override { events_->drain(sink); }
    Result<void> replay(const HeldPacket& packet, ReplayAction action) override;
    std::vector<Capability> probe() override { return probe_node(options_); }
    [[nodiscard]] std::vector<std::string> bypasses() const override { return bypasses_.found(); }
    Result<void> configure(const Settings& settings) override;
    Result<void> sweep() override;
    std::vector<std::string> installed(const model::AllowKey& edge,
                                       const std::vector<model::RouteKey>& routes) override {
        return installed_entries({tables_, identities_, open_counts_, fast_path_}, edge, routes);
    }
    Result<void> remove() override;

   private:
    Result<void> load_config();
    void upsert(const model::RuleDelta& delta, Outcome& outcome);
    void take_back(const model::RuleDelta& delta, Outcome& outcome);

    const Options options_;
    Pins pins_;
    const Tables tables_;
    const Programs programs_;
    Attacher attacher_;
    const OpenCounts open_counts_;

    std::mutex mutex_;  // of what follows up to gauges_: counters() reads it from any thread
    Identities identities_;
    Edges edges_;
    Addresses addresses_;
    Routes routes_;
    FastPath fast_path_;
    Attachments attachments_;
    Uplinks uplinks_;
    Gauges gauges_;

    BypassWatch bypasses_;
    Sweep sweep_;
    std::set<unsigned> stale_at_start_;  // of the pass under way, see Attachments::stale()
    Replay replay_;
    std::unique_ptr<Events> events_;
    df_config config_{};
};

/// Replaces an empty registry by the one read back.
template <typename Registry>
Result<void> take_over(Registry& registry, Result<Registry> loaded) {
    if (!loaded) {
        return std::unexpected(loaded.error());
    }
    registry = std::move(*loaded);
    return {};
}

Result<void> EbpfBackend::load(bool anew) {
    auto done = load_config();
    if (done) {
        done = take_over(identities_, Identities::load(tables_));
    }
    if (done) {
        done = take_over(edges_, Edges::load(tables_, identities_));
    }
    if (done) {
        done = take_over(addresses_, Addresses::load(tables_, identities_));
    }
    if (done) {
        done = take_over(routes_, Routes::load(tables_, identities_, addresses_));
    }
    if (done) {
        done =
            take_over(replay_, Replay::open(options_.instance, attacher_, programs_.replay.get()));
    }
    if (done) {
        done = attachments_.load(pins_, identities_, replay_.ifindex(), anew);
    }
    if (done) {
        done = uplinks_.load(programs_.uplink.get());
    }
    if (done) {
        done = take_over(events_, Events::open(tables_, identities_));
    }
    return done;
}

/// The marks stay as they are while the instance exists; a new one gets random ones.
Result<void> EbpfBackend::load_config() {
    const auto before = tables_.config.get(kOnly);
    if (!before) {
        return std::unexpected(before.error());
    }
    config_ = before->value_or(df_config{});
    if (config_.mark_replay != 0) {
        return {};
    }
    std::random_device random;
    while (config_.mark_replay == 0 || config_.mark_refuse == config_.mark_replay ||
           config_.mark_refuse == 0) {
        config_.mark_replay = random();
        config_.mark_refuse = random();
    }
    return configure({});
}

Result<void> EbpfBackend::configure(const Settings& settings) {
    const auto config = encode(settings, config_);
    if (!config) {
        return std::unexpected(config.error());
    }
    auto written = tables_.config.put(kOnly, *config);
    if (written) {
        config_ = *config;
    }
    return written;
}

Result<void> EbpfBackend::apply(const model::RuleDelta& delta) {
    const std::lock_guard lock(mutex_);
    Outcome outcome;
    upsert(delta, outcome);
    take_back(delta, outcome);
    return outcome.result();
}

void EbpfBackend::upsert(const model::RuleDelta& delta, Outcome& outcome) {
    for (const auto& [identity, rule] : delta.identities) {
        outcome.add(identities_.set(identity, rule));
    }
    for (const auto& [address, identity] : delta.addresses) {
        const auto owner = identities_.require(identity);
        outcome.add(owner ? addresses_.set_pod(address, *owner)
                          : util::pass(owner.error(), "address " + address.text()));
    }
    for (const auto& [key, rule] : delta.routes) {
        outcome.add(routes_.set(key, rule, identities_, addresses_));
    }
    for (const auto& key : delta.allowed) {
        outcome.add(edges_.allow(key, identities_));
    }
    for (const auto& [pod, rule] : delta.attachments) {
        outcome.add(attachments_.attach(pod, rule, identities_));
    }
}

void EbpfBackend::take_back(const model::RuleDelta& delta, Outcome& outcome) {
    for (const auto& key : delta.revoked) {
        outcome.add(edges_.revoke(key, identities_));
    }
    for (const auto& pod : delta.detached) {
        outcome.add(attachments_.detach(pod));
    }
    for (const auto& key : delta.routes_removed) {
        outcome.add(routes_.remove(key, addresses_));
    }
    for (const auto& address : delta.addresses_removed) {
        outcome.add(addresses_.remove_pod(address));
    }
    outcome.add(identities_.remove(delta.identities_removed));
}

Result<model::RuleSet> EbpfBackend::dump() {
    auto identities = identities_.dump();
    auto attachments = attachments_.dump(identities_);
    auto addresses = addresses_.dump(identities_);
    auto routes = routes_.dump(identities_);
    auto allowed = edges_.dump(identities_);
    for (const util::Error* error :
         {identities ? nullptr : &identities.error(), attachments ? nullptr : &attachments.error(),
          addresses ? nullptr : &addresses.error(), routes ? nullptr : &routes.error(),
          allowed ? nullptr : &allowed.error()}) {
        if (error != nullptr) {
            return util::pass(*error, "reading back the rules");
        }
    }
    return model::RuleSet{std::move(*identities), std::move(*attachments), std::move(*addresses),
                          std::move(*routes), std::move(*allowed)};
}

Result<Counters> EbpfBackend::counters() {
    Census census;
    {
        const std::lock_guard lock(mutex_);
        census = take_census(identities_, edges_, addresses_, routes_, attachments_, gauges_,
                             open_counts_);
        census.fast_path = {attachments_.in_use(), fast_path_.obstacles(), gauges_.open_fast};
        census.uplinks = uplinks_.standing();
    }
    return read_counters(tables_, census);
}

Result<void> EbpfBackend::replay(const HeldPacket& packet, ReplayAction action) {
    if (!attachments_.has(packet.ifindex)) {
        return util::fail_errno(
            fmt::format("interface {} of a held packet is not attached any more", packet.ifindex),
            ENODEV);
    }
    return replay_.send(packet, action, config_);
}

Result<void> EbpfBackend::sweep() {
    const std::lock_guard lock(mutex_);
    if (auto cleared = routes_.clear_old_lists(); !cleared) {
        return cleared;
    }
    if (auto looked = fast_path_.look_in_turn(attachments_.interfaces()); !looked) {
        return looked;
    }
    uplinks_.look();
    bypasses_.look(options_.bpffs, options_.cgroup, fast_path_.meets_others());
    if (!sweep_.running()) {
        stale_at_start_ = attachments_.stale();
    }
    auto gauges = sweep_.step(attachments_.interfaces());
    if (!gauges) {
        return std::unexpected(gauges.error());
    }
    if (*gauges) {
        gauges_ = std::move(**gauges);
        attachments_.swept(stale_at_start_);
    }
    return {};
}

Result<void> EbpfBackend::remove() {
    const std::lock_guard lock(mutex_);
    Outcome outcome;
    outcome.add(attachments_.detach_all());
    outcome.add(uplinks_.detach_all());
    outcome.add(attacher_.detach(replay_.ifindex(), Hook::kEgress));
    outcome.add(Replay::remove(options_.instance));
    outcome.add(pins_.remove_all());
    return outcome.result();
}

Result<Mechanism> choose_mechanism(AttachMode mode) {
    const bool tcx = tcx::available();
    if (mode == AttachMode::kTcx && !tcx) {
        return util::fail("this kernel has no tcx (it came with 6.6); use clsact or auto");
    }
    return tcx && mode != AttachMode::kClsact ? Mechanism::kTcx : Mechanism::kClsact;
}

}  // namespace

namespace {

Result<std::unique_ptr<Backend>> start(const Options& options) {
    const auto mechanism = choose_mechanism(options.attach);
    if (!mechanism) {
        return std::unexpected(mechanism.error());
    }
    auto pins = Pins::open(options.bpffs, options.instance);
    if (!pins) {
        return std::unexpected(pins.error());
    }
    auto programs = load_programs(options, *pins, *mechanism);
    if (!programs) {
        return std::unexpected(programs.error());
    }
    const auto anew = take_over_links(*pins);
    if (!anew) {
        return std::unexpected(anew.error());
    }
    auto tables = Tables::open(*pins);
    if (!tables) {
        return std::unexpected(tables.error());
    }
    warn_of_sizes(options, tables->all());
    auto open_counts = OpenCounts::map(*tables);
    if (!open_counts) {
        return std::unexpected(open_counts.error());
    }
    auto backend =
        std::make_unique<EbpfBackend>(options, std::move(*pins), std::move(*tables),
                                      std::move(*programs), std::move(*open_counts), *mechanism);
    if (auto loaded = backend->load(*anew); !loaded) {
        return util::pass(loaded.error(), "taking over the switch of " + options.instance);
    }
    return backend;
}

}  // namespace

Result<std::unique_ptr<Backend>> create(const Options& options) {
    route_libbpf_messages();
    auto started = start(options);
    // The kernel's answers to want of rights are of all kinds, the verifier's among them.
    const auto missing = started ? std::string() : missing_capabilities();
    return missing.empty() ? std::move(started)
                           : util::pass(started.error(), "this process lacks " + missing);
}

}  // namespace directfaas::backend::ebpf
