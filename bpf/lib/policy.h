/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* Who may call whom. Asked once per connection. */
#ifndef DIRECTFAAS_BPF_POLICY_H
#define DIRECTFAAS_BPF_POLICY_H

#include "bpf/lib/pod_network.h"
#include "bpf/lib/verdict.h"

static __always_inline struct df_ip_id *identity_of(const struct df_addr *addr)
{
	return bpf_map_lookup_elem(&ip_id, addr);
}

static __always_inline struct df_fn *fn_of(__u32 id)
{
	return bpf_map_lookup_elem(&fn, &id);
}

/* Counts a refused (or only audited) call between two identities. */
__noinline int count_denied(__u32 reason)
{
	struct work *w = work();

	if (!w) {
		return 0;
	}
	__u32 to = w->c.to;
	struct df_denied_key key = {w->c.from, to, reason};
	struct df_fn_stats *stats = bpf_map_lookup_elem(&fn_stats, &to);
	__u64 *calls = bpf_map_lookup_elem(&denied, &key);
	__u64 none = 0;

	if (!calls) {
		/* Fails if another processor has just done it: its entry is as good. */
		bpf_map_update_elem(&denied, &key, &none, BPF_NOEXIST);
		calls = bpf_map_lookup_elem(&denied, &key);
	}
	if (stats) {
		if (reason == DF_REASON_AUDITED) {
			stats->audited++;
		} else {
			stats->denied++;
		}
	}
	if (calls) {
		(*calls)++;
	}
	return 0;
}

/* A denial, softened by what the callee's chains say about enforcement. */
static __always_inline __u32 denial(struct call *c, __u32 reason)
{
	struct df_fn *callee = fn_of(c->to);

	c->edge = 0;
	c->edge_gen = 0;
	if (callee && callee->flags & DF_FN_DISABLED) {
		return DF_REASON_NONE;
	}
	if (callee && callee->flags & DF_FN_AUDIT) {
		c->audited = 1;
		return DF_REASON_NONE;
	}
	return reason;
}

/* Does an edge allow c->from to call c->to? Fills edge and edge_gen. */
static __always_inline __u32 judge_edge(struct call *c)
{
	struct df_allow_key key = {c->from, c->to};
	struct df_allow *allowed = bpf_map_lookup_elem(&allow, &key);

	if (allowed) {
		c->edge = allowed->edge;
		c->edge_gen = allowed->gen;
		return DF_REASON_NONE;
	}
	return denial(c, DF_REASON_NO_EDGE);
}

/* The same for a call to an instance's own address: its port must be declared, too. An ICMP echo
 * has none and follows the edge alone. Returns a reason, or DF_REASON_NONE. */
static __always_inline __u32 judge_direct(struct call *c, const struct packet *p)
{
	struct df_fn_port_key key = {c->to, p->key.dport, p->key.proto, 0};
	struct df_fn_port *port = bpf_map_lookup_elem(&fn_port, &key);

	if (port && port->flags & DF_PORT_OPEN) {
		c->edge = 0;
		c->edge_gen = 0;
		return DF_REASON_NONE;
	}
	const __u32 reason = judge_edge(c);

	if (reason || port || is_icmp(p)) {
		return reason;
	}
	struct df_fn *callee = fn_of(c->to);

	if (callee && callee->flags & DF_FN_INGRESS) {
		return DF_REASON_NONE;
	}
	return denial(c, DF_REASON_PORT_CLOSED);
}

#endif
