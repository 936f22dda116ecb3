/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/* What bench/bpf/repeat.bpf.c and its user share. */
#ifndef DIRECTFAAS_BENCH_FRAMES_H
#define DIRECTFAAS_BENCH_FRAMES_H

#include "maps/abi.h"

#define BENCH_FRAMES 1024 /* different frames, a power of two */
#define BENCH_PORTS 32768 /* source ports of new connections, from 1024 on */
#define BENCH_SPORT_V4 34 /* Ethernet, IPv4 */
#define BENCH_SPORT_V6 54 /* Ethernet, IPv6 */
/* Bytes that are written anew: through the transport checksum, in whole words. */
#define BENCH_HEADERS_V4 56
#define BENCH_HEADERS_V6 80

struct bench_frame {
	__u32 v6;
	__u32 reserved;
	__u8 bytes[BENCH_HEADERS_V6];
};
static_assert(sizeof(struct bench_frame) == 4 + 4 + 80, "hole");

struct bench_turn {
	__u32 next;	 /* counts turns */
	__u32 mask;	 /* frames in use, less one */
	__u32 new_ports; /* 1: another source port each turn */
	__u32 reserved;
};
static_assert(sizeof(struct bench_turn) == 4 * 4, "hole");

#endif
