/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The shim that lets one header serve BPF C, C and C++. Fixed-width types and
 * size assertions only; nothing of the domain. */
#ifndef DIRECTFAAS_MAPS_ABI_H
#define DIRECTFAAS_MAPS_ABI_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#ifndef __cplusplus
#define static_assert _Static_assert
#endif

/* An address of either family, network byte order. IPv4 is kept in its IPv4-mapped form
 * (RFC 4291 §2.5.5.2, ::ffff:a.b.c.d), so one map and one program serve both families. */
struct df_addr {
	__u8 bytes[16];
};
static_assert(sizeof(struct df_addr) == 16, "hole");

#endif
