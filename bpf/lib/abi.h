/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* What every program includes: kernel types, libbpf helpers, and the few constants that the
 * build machine's headers may be too old to name. */
#ifndef DIRECTFAAS_BPF_ABI_H
#define DIRECTFAAS_BPF_ABI_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps/abi.h"

#define NSEC_PER_SEC 1000000000ULL

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* "Not mine, or fine: the next program and the stack go on." TCX_NEXT has the same value. */
#define VERDICT_NEXT TC_ACT_UNSPEC

#endif
