// SPDX-License-Identifier: Apache-2.0
#include "test/packet/switch.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <stdexcept>
#include <utility>

#include "from_pod.skel.h"
#include "test/packet/maps.h"
#include "to_pod.skel.h"

namespace directfaas::packet {
namespace {

constexpr std::uint32_t kMarkReplay = 0x0df00001;
constexpr std::uint32_t kMarkRefuse = 0x0df00002;
constexpr std::uint32_t kFurtherNumbers = 100;  // of `ep`, above those that tests give
constexpr std::array kVeths{"df-pkt-a", "df-pkt-b"};

void run_command(const std::string& command) {
    if (std::system(command.c_str()) != 0) {  // NOLINT(*-env33-c): fixed text
        throw std::runtime_error("failed: " + command);
    }
}

/// A private network namespace with the two interfaces, made once per process.
void enter_namespace() {
    static const bool done = [] {
        if (unshare(CLONE_NEWNET) != 0) {
            fail("create a network namespace (are you root?)");
        }
        run_command(std::string("/sbin/ip link add ") + kVeths[0] + " type veth peer name " +
                    kVeths[1]);
        return true;
    }();
    (void)done;
}

Outcome test_run(int program, const support::Bytes& frame, std::uint32_t ifindex,
                 std::uint32_t ingress_ifindex, std::uint32_t mark) {
    __sk_buff context{};
    context.ifindex = ifindex;
    context.ingress_ifindex = ingress_ifindex;
    context.mark = mark;
    Outcome outcome;
    outcome.frame.resize(frame.size() + 256);
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
                .data_out = outcome.frame.data(),
                .data_size_in = static_cast<std::uint32_t>(frame.size()),
                .data_size_out = static_cast<std::uint32_t>(outcome.frame.size()),
                .ctx_in = &context, .ctx_size_in = sizeof(context));
    if (bpf_prog_test_run_opts(program, &options) != 0) {
        fail("BPF_PROG_TEST_RUN");
    }
    outcome.verdict = static_cast<int>(options.retval);
    outcome.frame.resize(options.data_size_out);
    return outcome;
}

}  // namespace

struct Switch::Objects {
    from_pod_bpf* from = nullptr;
    to_pod_bpf* to = nullptr;
    ring_buffer* held_ring = nullptr;
    ring_buffer* event_ring = nullptr;
    std::vector<Held> held;
    std::vector<df_event> events;
    std::uint32_t generation = 1;
    /// A number in `ep` belongs to one route. A test's endpoint may serve several: the same
    /// address under further numbers.
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> numbers;  // endpoint, route

    [[nodiscard]] std::vector<std::uint32_t> numbers_of(std::uint32_t endpoint) const {
        std::vector<std::uint32_t> all{endpoint};
        for (const auto& [key, number] : numbers) {
            if (key.first == endpoint && number != endpoint) {
                all.push_back(number);
            }
        }
        return all;
    }

    ~Objects() {
        ring_buffer__free(held_ring);
        ring_buffer__free(event_ring);
        to_pod_bpf::destroy(to);
        from_pod_bpf::destroy(from);
    }

    void shrink(std::uint32_t connections) const {
        bpf_map__set_max_entries(from->maps.ct, connections);
        for (bpf_map* map : {from->maps.ep, from->maps.ep_open, from->maps.edge,
                             from->maps.edge_stats, from->maps.fn, from->maps.fn_stats}) {
            bpf_map__set_max_entries(map, 256);
        }
        bpf_map__set_max_entries(from->maps.held, 1 << 16);
        bpf_map__set_max_entries(from->maps.events, 1 << 16);
    }

    void load(std::uint32_t connections) {
        from = from_pod_bpf::open();
        to = to_pod_bpf::open();
        if (from == nullptr || to == nullptr) {
            fail("open the programs");
        }
        shrink(connections);
        const std::uint32_t coarse =
            libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_ktime_get_coarse_ns,
                                    nullptr) == 1;
        // The skeletons' read-only data is one struct df_rodata.
        std::memcpy(from->rodata, &coarse, sizeof(coarse));
        std::memcpy(to->rodata, &coarse, sizeof(coarse));
        if (from_pod_bpf::load(from) != 0) {
            fail("load from_pod");
        }
        share_maps();
        if (to_pod_bpf::load(to) != 0) {
            fail("load to_pod");
        }
    }

    void share_maps() const {
        bpf_map* map = nullptr;
        bpf_object__for_each_map(map, to->obj) {
            const bpf_map* same = bpf_object__find_map_by_name(from->obj, bpf_map__name(map));
            const bool own = std::strstr(bpf_map__name(map), ".rodata") != nullptr ||
                             std::strcmp(bpf_map__name(map), "work_area") == 0;
            if (same != nullptr && !own && bpf_map__reuse_fd(map, bpf_map__fd(same)) != 0) {
                fail(std::string("share map ") + bpf_map__name(map));
            }
        }
    }

    static int take_held(void* self, void* data, std::size_t size) {
        Held record;
        std::memcpy(&record.head, data, sizeof(record.head));
        const auto* bytes = static_cast<const std::uint8_t*>(data) + sizeof(record.head);
        if (record.head.len <= size - sizeof(record.head)) {
            record.frame.assign(bytes, bytes + record.head.len);
        }
        static_cast<Objects*>(self)->held.push_back(std::move(record));
        return 0;
    }
    static int take_event(void* self, void* data, std::size_t) {
        df_event event{};
        std::memcpy(&event, data, sizeof(event));
        static_cast<Objects*>(self)->events.push_back(event);
        return 0;
    }
};

df_addr addr(const support::Address& address) {
    df_addr raw{};
    std::memcpy(raw.bytes, address.value.bytes().data(), sizeof(raw.bytes));
    return raw;
}

std::uint32_t Switch::ifindex(int which) {
    enter_namespace();
    return if_nametoindex(kVeths.at(which));
}

bool Switch::ingress_supported() {
    static const bool supported = [] {
        std::array<bpf_insn, 2> program{};  // return 0
        program[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
        program[1].code = BPF_JMP | BPF_EXIT;
        const int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "probe", "GPL", program.data(),
                                     program.size(), nullptr);
        const support::Bytes frame(64, 0);
        __sk_buff context{};
        context.ingress_ifindex = 1;
        LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
                    .data_size_in = static_cast<std::uint32_t>(frame.size()), .ctx_in = &context,
                    .ctx_size_in = sizeof(context));
        const int result = bpf_prog_test_run_opts(fd, &options);
        close(fd);
        return result == 0;
    }();
    return supported;
}

Switch::Switch(std::uint32_t connections) : objects_(std::make_unique<Objects>()) {
    enter_namespace();
    objects_->load(connections);
    objects_->held_ring = ring_buffer__new(bpf_map__fd(objects_->from->maps.held),
                                           Objects::take_held, objects_.get(), nullptr);
    objects_->event_ring = ring_buffer__new(bpf_map__fd(objects_->from->maps.events),
                                            Objects::take_event, objects_.get(), nullptr);
    config_.mark_replay = kMarkReplay;
    config_.mark_refuse = kMarkRefuse;
    config_.event_rate = 1000000;
    configure(config_);
}

Switch::~Switch() = default;

Outcome Switch::from_pod(std::uint32_t ifindex, const support::Bytes& frame, Metadata metadata) {
    return test_run(bpf_program__fd(objects_->from->progs.from_pod), frame, ifindex, 0,
                    metadata.mark);
}

Outcome Switch::to_pod(std::uint32_t ifindex, const support::Bytes& frame, Metadata metadata) {
    const bool stand_in = metadata.forwarded && !ingress_supported() && metadata.mark == 0;
    const std::uint32_t ingress = metadata.forwarded && ingress_supported() ? 1 : 0;
    return test_run(bpf_program__fd(objects_->to->progs.to_pod), frame, ifindex, ingress,
                    stand_in ? config_.mark_replay : metadata.mark);
}

void Switch::configure(const df_config& config) {
    config_ = config;
    put(objects_->from->maps.config, std::uint32_t{0}, config);
}

void Switch::identity(std::uint32_t id, df_fn_kind kind, std::uint16_t flags,
                      const std::string& name) {
    df_fn value{};
    value.gen = 1;
    value.kind = kind;
    value.flags = flags;
    name.copy(value.name, sizeof(value.name) - 1);
    put(objects_->from->maps.fn, id, value);
}

void Switch::veth(std::uint32_t ifindex, std::uint32_t fn,
                  const std::vector<support::Address>& addrs, std::uint16_t flags,
                  std::uint16_t mtu, const support::Mac& mac) {
    df_veth value{};
    value.fn = fn;
    value.gen = 1;
    value.flags = flags;
    value.mtu = mtu;
    std::ranges::copy(mac, value.mac);
    value.addr_count = static_cast<std::uint16_t>(addrs.size());
    for (std::size_t i = 0; i < addrs.size(); ++i) {
        value.addrs[i] = addr(addrs[i]);
    }
    put(objects_->from->maps.veth, ifindex, value);
}

void Switch::address(const support::Address& address, std::uint32_t fn, df_addr_kind kind) {
    put(objects_->from->maps.ip_id, addr(address), df_ip_id{fn, 1, static_cast<__u32>(kind)});
}

void Switch::port(std::uint32_t fn, std::uint16_t port, std::uint8_t proto, std::uint32_t flags) {
    put(objects_->from->maps.fn_port, df_fn_port_key{fn, htons(port), proto, 0}, df_fn_port{flags});
}

void Switch::edge(std::uint32_t id, std::uint32_t from, std::uint32_t to) {
    const auto old = get<df_edge>(objects_->from->maps.edge, id).value_or(df_edge{});
    put(objects_->from->maps.edge, id, df_edge{old.gen + 1, 1, from, to});
    put(objects_->from->maps.allow, df_allow_key{from, to}, df_allow{id, old.gen + 1});
}

void Switch::revoke(std::uint32_t id) {
    const auto old = get<df_edge>(objects_->from->maps.edge, id).value_or(df_edge{});
    put(objects_->from->maps.edge, id, df_edge{old.gen + 1, 0, old.from, old.to});
    const df_allow_key key{old.from, old.to};
    bpf_map_delete_elem(bpf_map__fd(objects_->from->maps.allow), &key);
}

void Switch::endpoint(std::uint32_t id, const support::Address& address, std::uint16_t port,
                      df_ep_state state) {
    df_ep value{};
    value.addr = addr(address);
    value.port = htons(port);
    value.state = state;
    value.gen = 1;
    put(objects_->from->maps.ep, id, value);
}

void Switch::endpoint_state(std::uint32_t id, df_ep_state state) {
    for (const std::uint32_t number : objects_->numbers_of(id)) {
        auto value = get<df_ep>(objects_->from->maps.ep, number).value_or(df_ep{});
        value.state = state;
        value.gen += state == DF_EP_FREE ? 1 : 0;
        put(objects_->from->maps.ep, number, value);
    }
}

void Switch::endpoint_place(std::uint32_t id, std::uint32_t ifindex, bool fast) {
    for (const std::uint32_t number : objects_->numbers_of(id)) {
        auto value = get<df_ep>(objects_->from->maps.ep, number).value_or(df_ep{});
        value.ifindex = ifindex;
        value.flags = static_cast<std::uint8_t>(fast ? (value.flags + DF_EP_TURN) | DF_EP_FAST
                                                     : value.flags & ~DF_EP_FAST);
        put(objects_->from->maps.ep, number, value);
    }
}

/// The endpoint's number on this route.
std::uint32_t Switch::number_on(std::uint32_t endpoint, std::uint32_t route) {
    auto& numbers = objects_->numbers;
    if (const auto known = numbers.find({endpoint, route}); known != numbers.end()) {
        return known->second;
    }
    auto value = get<df_ep>(objects_->from->maps.ep, endpoint).value_or(df_ep{});
    const bool first = value.vip_id == 0;
    const std::uint32_t number =
        first ? endpoint : kFurtherNumbers + static_cast<std::uint32_t>(numbers.size());
    value.vip_id = route;
    put(objects_->from->maps.ep, number, value);
    numbers[{endpoint, route}] = number;
    return number;
}

void Switch::route(std::uint32_t id, const support::Address& vip, std::uint16_t port,
                   std::uint8_t proto, std::uint32_t fn,
                   const std::vector<std::uint32_t>& endpoints, std::uint32_t flags,
                   std::uint32_t affinity) {
    const std::uint32_t generation = objects_->generation++;
    for (std::uint32_t i = 0; i < endpoints.size(); ++i) {
        put(objects_->from->maps.slots, df_slot_key{id, generation, i},
            number_on(endpoints[i], id));
    }
    put(objects_->from->maps.vip, df_vip_key{addr(vip), htons(port), proto, 0},
        df_vip{id, fn, generation, static_cast<std::uint32_t>(endpoints.size()), flags, affinity});
}

void Switch::age_affinity(std::chrono::seconds by) {
    bpf_map* map = objects_->from->maps.affinity;
    df_affinity_key at{};
    const df_affinity_key* last = nullptr;
    while (bpf_map__get_next_key(map, last, &at, sizeof at) == 0) {
        auto value = get<df_affinity>(map, at).value();
        value.used -= static_cast<std::uint64_t>(std::chrono::nanoseconds(by).count());
        put(map, at, value);
        last = &at;
    }
}

std::uint64_t Switch::counted(df_reason reason, df_hook hook) {
    const auto index =
        static_cast<std::uint32_t>(reason) * DF_HOOK_MAX + static_cast<std::uint32_t>(hook);
    return sum<df_drop>(objects_->from->maps.drops, index).packets;
}
df_edge_stats Switch::edge_stats(std::uint32_t id) {
    return sum<df_edge_stats>(objects_->from->maps.edge_stats, id);
}
df_fn_stats Switch::fn_stats(std::uint32_t id) {
    return sum<df_fn_stats>(objects_->from->maps.fn_stats, id);
}
std::uint64_t Switch::denied(std::uint32_t from, std::uint32_t to, df_reason reason) {
    return sum<std::uint64_t>(objects_->from->maps.denied,
                              df_denied_key{from, to, static_cast<__u32>(reason)});
}
void Switch::forget_denied(std::uint32_t from, std::uint32_t to, df_reason reason) {
    const df_denied_key key{from, to, static_cast<__u32>(reason)};
    bpf_map_delete_elem(bpf_map__fd(objects_->from->maps.denied), &key);
}
std::uint64_t Switch::open_at(std::uint32_t endpoint) {
    std::uint64_t open = 0;
    for (const std::uint32_t number : objects_->numbers_of(endpoint)) {
        open += get<std::uint64_t>(objects_->from->maps.ep_open, number).value_or(0);
    }
    return open;
}
std::uint64_t Switch::ring_lost(df_ring ring) {
    return sum<std::uint64_t>(objects_->from->maps.ring_lost, static_cast<std::uint32_t>(ring));
}

std::vector<Held> Switch::held() {
    ring_buffer__consume(objects_->held_ring);
    return std::exchange(objects_->held, {});
}
std::vector<df_event> Switch::events() {
    ring_buffer__consume(objects_->event_ring);
    return std::exchange(objects_->events, {});
}
std::optional<df_ct> Switch::connection(const df_ct_key& key) {
    return get<df_ct>(objects_->from->maps.ct, key);
}
std::size_t Switch::connections() {
    std::size_t count = 0;
    df_ct_key key{};
    const int fd = bpf_map__fd(objects_->from->maps.ct);
    for (const df_ct_key* last = nullptr; bpf_map_get_next_key(fd, last, &key) == 0; last = &key) {
        ++count;
    }
    return count;
}

}  // namespace directfaas::packet
