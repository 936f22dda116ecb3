// SPDX-License-Identifier: Apache-2.0
// The real programs with real maps, run packet by packet through BPF_PROG_TEST_RUN. No agent and no
// interface carries traffic; two interfaces exist only because the kernel wants their indexes.
#pragma once

#include <netinet/in.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "maps/config.h"
#include "maps/connection.h"
#include "maps/counters.h"
#include "maps/events.h"
#include "maps/identity.h"
#include "maps/policy.h"
#include "maps/route.h"
#include "maps/verdicts.h"
#include "test/support/packet.h"

namespace directfaas::packet {

/// TC verdicts as the programs return them.
enum Verdict : int { kNext = -1, kShot = 2, kRedirect = 7 };

struct Outcome {
    int verdict = 0;
    support::Bytes frame;
};

/// A record of the `held` ring and the frame behind it.
struct Held {
    df_held head{};
    support::Bytes frame;
};

/// What a test can say about the packet besides its bytes.
struct Metadata {
    std::uint32_t mark = 0;
    /// to_pod only: nothing means "from the node itself".
    bool forwarded = true;
};

df_addr addr(const support::Address& address);

class Switch {
   public:
    /// Loads both programs on maps of their own; `connections` is the capacity of `ct`.
    explicit Switch(std::uint32_t connections = 1024);
    ~Switch();
    Switch(const Switch&) = delete;
    Switch& operator=(const Switch&) = delete;

    Outcome from_pod(std::uint32_t ifindex, const support::Bytes& frame, Metadata metadata = {});
    Outcome to_pod(std::uint32_t ifindex, const support::Bytes& frame, Metadata metadata = {});

    /// Interfaces that exist: use these as veths.
    static std::uint32_t ifindex(int which);
    /// Whether this kernel's test runs can set ingress_ifindex; if not, `forwarded` packets carry
    /// the replay mark, which makes the switch judge them alike.
    static bool ingress_supported();

    void configure(const df_config& config);
    [[nodiscard]] const df_config& config() const { return config_; }

    void identity(std::uint32_t id, df_fn_kind kind, std::uint16_t flags, const std::string& name);
    void veth(std::uint32_t ifindex, std::uint32_t fn, const std::vector<support::Address>& addrs,
              std::uint16_t flags = 0, std::uint16_t mtu = 1500, const support::Mac& mac = {});
    void address(const support::Address& address, std::uint32_t fn, df_addr_kind kind);
    void port(std::uint32_t fn, std::uint16_t port, std::uint8_t proto, std::uint32_t flags);
    void edge(std::uint32_t id, std::uint32_t from, std::uint32_t to);
    void revoke(std::uint32_t id);
    void endpoint(std::uint32_t id, const support::Address& address, std::uint16_t port,
                  df_ep_state state = DF_EP_READY);
    void endpoint_state(std::uint32_t id, df_ep_state state);
    /// Where the instance is attached, and whether it may be reached past the stack.
    void endpoint_place(std::uint32_t id, std::uint32_t ifindex, bool fast);
    /// Replaces the route's list by `endpoints` under a new generation.
    void route(std::uint32_t id, const support::Address& vip, std::uint16_t port,
               std::uint8_t proto, std::uint32_t fn, const std::vector<std::uint32_t>& endpoints,
               std::uint32_t flags = 0, std::uint32_t affinity = 0);
    /// As if every client's last connection were that much longer ago.
    void age_affinity(std::chrono::seconds by);

    std::uint64_t counted(df_reason reason, df_hook hook);
    df_edge_stats edge_stats(std::uint32_t id);
    df_fn_stats fn_stats(std::uint32_t id);
    std::uint64_t denied(std::uint32_t from, std::uint32_t to, df_reason reason);
    /// As if the pair had never been denied.
    void forget_denied(std::uint32_t from, std::uint32_t to, df_reason reason);
    std::uint64_t open_at(std::uint32_t endpoint);
    std::uint64_t ring_lost(df_ring ring);
    std::vector<Held> held();
    std::vector<df_event> events();
    std::optional<df_ct> connection(const df_ct_key& key);
    std::size_t connections();

   private:
    std::uint32_t number_on(std::uint32_t endpoint, std::uint32_t route);

    struct Objects;
    std::unique_ptr<Objects> objects_;
    df_config config_{};
};

}  // namespace directfaas::packet
