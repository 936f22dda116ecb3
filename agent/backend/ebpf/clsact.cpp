// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/clsact.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include <array>
#include <memory>

namespace directfaas::backend::ebpf::clsact {
namespace {

using util::fail_errno;
using util::Result;

/// The qdisc as a whole: libbpf's enumeration is one of flags.
// NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange)
constexpr auto kBoth = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);

bpf_tc_attach_point point_of(Hook hook) {
    return hook == Hook::kIngress ? BPF_TC_INGRESS : BPF_TC_EGRESS;
}

bpf_tc_hook hook_of(unsigned ifindex, bpf_tc_attach_point point) {
    LIBBPF_OPTS(bpf_tc_hook, hook);
    hook.ifindex = static_cast<int>(ifindex);
    hook.attach_point = point;
    return hook;
}

void read_options(nlattr* options, Filter& filter) {
    std::array<nlattr*, TCA_BPF_MAX + 1> attributes{};
    if (nla_parse_nested(attributes.data(), TCA_BPF_MAX, options, nullptr) != 0) {
        return;
    }
    if (attributes[TCA_BPF_NAME] != nullptr) {
        filter.name = nla_get_string(attributes[TCA_BPF_NAME]);
    }
    if (attributes[TCA_BPF_ID] != nullptr) {
        filter.program_id = nla_get_u32(attributes[TCA_BPF_ID]);
    }
}

int collect(nl_msg* message, void* list) {
    nlmsghdr* header = nlmsg_hdr(message);
    std::array<nlattr*, TCA_MAX + 1> attributes{};
    if (header->nlmsg_type != RTM_NEWTFILTER ||
        nlmsg_parse(header, sizeof(tcmsg), attributes.data(), TCA_MAX, nullptr) != 0) {
        return NL_OK;
    }
    const auto* tc = static_cast<const tcmsg*>(nlmsg_data(header));
    Filter filter;
    filter.priority = TC_H_MAJ(tc->tcm_info) >> 16;
    filter.handle = tc->tcm_handle;
    if (attributes[TCA_KIND] != nullptr) {
        filter.kind = nla_get_string(attributes[TCA_KIND]);
    }
    if (filter.kind == "bpf" && attributes[TCA_OPTIONS] != nullptr) {
        read_options(attributes[TCA_OPTIONS], filter);
    }
    // Each priority is announced once more without a handle.
    if (filter.handle != 0) {
        static_cast<std::vector<Filter>*>(list)->push_back(filter);
    }
    return NL_OK;
}

}  // namespace

Result<bool> add_qdisc(unsigned ifindex) {
    auto hook = hook_of(ifindex, kBoth);
    const int status = bpf_tc_hook_create(&hook);
    if (status == 0 || status == -EEXIST) {
        return status == 0;
    }
    return fail_errno(fmt::format("adding a clsact qdisc to interface {}", ifindex), -status);
}

Result<void> remove_unused_qdisc(unsigned ifindex) {
    if (!filters(ifindex, Hook::kIngress).empty() || !filters(ifindex, Hook::kEgress).empty()) {
        return {};
    }
    auto hook = hook_of(ifindex, kBoth);
    const int status = bpf_tc_hook_destroy(&hook);
    if (status == 0 || status == -ENODEV || status == -ENOENT || status == -EINVAL) {
        return {};
    }
    return fail_errno(fmt::format("removing the clsact qdisc of interface {}", ifindex), -status);
}

Result<void> attach(int program, unsigned ifindex, Hook hook, const Place& place) {
    const auto where = hook_of(ifindex, point_of(hook));
    LIBBPF_OPTS(bpf_tc_opts, options);
    options.prog_fd = program;
    options.handle = place.handle;
    options.priority = place.priority;
    options.flags = BPF_TC_F_REPLACE;
    if (const int status = bpf_tc_attach(&where, &options); status != 0) {
        return fail_errno(
            fmt::format("attaching to interface {} by clsact (an `ingress` qdisc in its place has "
                        "to be removed first)",
                        ifindex),
            -status);
    }
    return {};
}

std::vector<Filter> filters(unsigned ifindex, Hook hook) {
    std::vector<Filter> list;
    const std::unique_ptr<nl_sock, void (*)(nl_sock*)> socket(nl_socket_alloc(), nl_socket_free);
    if (socket == nullptr || nl_connect(socket.get(), NETLINK_ROUTE) != 0) {
        return list;
    }
    tcmsg request{};
    request.tcm_family = AF_UNSPEC;
    request.tcm_ifindex = static_cast<int>(ifindex);
    request.tcm_parent =
        TC_H_MAKE(TC_H_CLSACT, hook == Hook::kIngress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
    nl_socket_modify_cb(socket.get(), NL_CB_VALID, NL_CB_CUSTOM, collect, &list);
    if (nl_send_simple(socket.get(), RTM_GETTFILTER, NLM_F_DUMP, &request, sizeof(request)) >= 0) {
        nl_recvmsgs_default(socket.get());
    }
    return list;
}

Result<void> detach(unsigned ifindex, Hook hook, const Place& place) {
    const auto where = hook_of(ifindex, point_of(hook));
    LIBBPF_OPTS(bpf_tc_opts, options);
    options.handle = place.handle;
    options.priority = place.priority;
    const int status = bpf_tc_detach(&where, &options);
    if (status == 0 || status == -ENOENT || status == -EINVAL || status == -ENODEV) {
        return {};
    }
    return fail_errno(fmt::format("detaching from interface {}", ifindex), -status);
}

}  // namespace directfaas::backend::ebpf::clsact
