/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Which calls are allowed. `allow` is asked once per connection; `edge` on every packet, so that a
 * revoked edge stops its connections at once. */
#ifndef DIRECTFAAS_MAPS_POLICY_H
#define DIRECTFAAS_MAPS_POLICY_H

#include "abi.h"

/* Map `allow` (hash): {from, to} -> edge. Absent: denied. from = DF_IDENTITY_OUTSIDE stands for
 * callers that are neither function nor entry. */
struct df_allow_key {
	__u32 from;
	__u32 to;
};
static_assert(sizeof(struct df_allow_key) == 2 * 4, "hole");
struct df_allow {
	__u32 edge; /* index into `edge`, `edge_stats`; never 0 */
	__u32 gen;  /* of that edge */
};
static_assert(sizeof(struct df_allow) == 2 * 4, "hole");

/* Map `edge` (array): edge id -> its live generation. Edge 0 means "no edge was involved"
 * (openPorts, Audit, Disabled): it is never revoked; its gen is always 0. */
struct df_edge {
	__u32 gen;  /* raised when the edge is revoked and when the id is reused */
	__u32 live; /* 1 while allowed */
	__u32 from; /* back reference, for reading back after a restart */
	__u32 to;
};
static_assert(sizeof(struct df_edge) == 4 * 4, "hole");

#endif
