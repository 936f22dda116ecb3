/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Who is behind an interface or an address. Written by the agent, read by the programs. */
#ifndef DIRECTFAAS_MAPS_IDENTITY_H
#define DIRECTFAAS_MAPS_IDENTITY_H

#include "abi.h"

/* Identity 0 is everybody who is neither a function nor an entry ("outside"). */
#define DF_IDENTITY_OUTSIDE 0
#define DF_NAME_LEN 64 /* RFC 1123 label (63) and its NUL */
#define DF_VETH_ADDRS 4

/* Map `fn` (array): identity -> what it is. The agent reads names back from here after a restart,
 * so that an identity, and with it every counter, survives the process. */
enum df_fn_kind { DF_FN_FREE, DF_FN_FUNCTION, DF_FN_ENTRY };
enum df_fn_flags {
	DF_FN_AUDIT = 1 << 0,	 /* calls without an edge pass and are counted */
	DF_FN_DISABLED = 1 << 1, /* calls are not judged at all */
	DF_FN_INGRESS = 1 << 2,	 /* exposure Ingress; informative, `allow` decides */
	DF_FN_STACK = 1 << 3,	 /* fastPath off: its calls, both ways, take the stack */
};
struct df_fn {
	__u32 gen;   /* host order; raised each time the identity is given to a new name */
	__u16 kind;  /* enum df_fn_kind */
	__u16 flags; /* enum df_fn_flags */
	char namespace_[DF_NAME_LEN];
	char name[DF_NAME_LEN];
};
static_assert(sizeof(struct df_fn) == 4 + 2 + 2 + 2 * DF_NAME_LEN, "hole");

/* Map `veth` (hash): host-side ifindex -> the pod behind it. Key: __u32, host order. */
enum df_veth_flags {
	DF_VETH_ADOPTED = 1 << 0, /* attached while connections may have been open: unknown
				   * mid-flow packets to a vIP go to the stack, not RST */
	DF_VETH_FAST = 1 << 1,	  /* nothing on this interface would be bypassed by the fast path */
	DF_VETH_STACK = 1 << 2,	  /* a NetworkPolicy selects the pod: never FAST */
};
struct df_veth {
	__u32 fn;    /* identity */
	__u32 gen;   /* of the identity, see df_fn.gen */
	__u16 flags; /* enum df_veth_flags */
	__u16 addr_count;
	__u16 mtu;			     /* both ends of a fast path must have the same */
	__u8 mac[6];			     /* of the pod's end */
	struct df_addr addrs[DF_VETH_ADDRS]; /* the only sources it may use */
};
static_assert(sizeof(struct df_veth) == 4 + 4 + 2 + 2 + 2 + 6 + 16 * DF_VETH_ADDRS, "hole");

/* Map `pod_name` (hash): ifindex -> which pod that is, and what the agent did to the interface. No
 * program reads it; it is how the agent recognises its attachments after a restart. */
#define DF_POD_NAME_LEN 256 /* RFC 1123 subdomain (253) and its NUL */
enum df_pod_name_flags {
	DF_POD_QDISC = 1 << 0, /* the agent added the clsact qdisc, so it removes it */
};
struct df_pod_name {
	__u32 flags; /* enum df_pod_name_flags */
	char namespace_[DF_NAME_LEN];
	char name[DF_POD_NAME_LEN];
};
static_assert(sizeof(struct df_pod_name) == 4 + DF_NAME_LEN + DF_POD_NAME_LEN, "hole");

/* Map `ip_id` (hash): address (df_addr) -> whose it is. */
enum df_addr_kind { DF_ADDR_POD = 1, DF_ADDR_VIP = 2 };
struct df_ip_id {
	__u32 fn;   /* identity */
	__u32 gen;  /* of the identity */
	__u32 kind; /* enum df_addr_kind */
};
static_assert(sizeof(struct df_ip_id) == 4 + 4 + 4, "hole");

/* Map `local_addr` (hash): address of a pod attached on this node (df_addr) -> its host-side
 * ifindex
 * (__u32, host order). Read by `uplink`: nobody outside may send from it. */

/* Map `fn_port` (hash): a port that an instance of a function may be called on directly. */
enum df_port_flags {
	DF_PORT_SERVED = 1 << 0, /* target port of the Service: subject to edges */
	DF_PORT_OPEN = 1 << 1,	 /* listed in openPorts: anybody may call */
};
struct df_fn_port_key {
	__u32 fn;
	__be16 port;
	__u8 proto; /* IPPROTO_* */
	__u8 pad;
};
static_assert(sizeof(struct df_fn_port_key) == 4 + 2 + 1 + 1, "hole");
struct df_fn_port {
	__u32 flags; /* enum df_port_flags */
};
static_assert(sizeof(struct df_fn_port) == 4, "hole");

#endif
