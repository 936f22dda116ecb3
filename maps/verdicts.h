/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Every outcome a packet can have in the switch, with the name that metrics, events, dfctl and
 * docs print. The only list: C, C++ and the documentation are generated from these macros. */
#ifndef DIRECTFAAS_MAPS_VERDICTS_H
#define DIRECTFAAS_MAPS_VERDICTS_H

#include "abi.h"

/* What happened to the packet. */
#define DF_VERDICTS(X)                                                                  \
	X(PASS, "pass", "handed to the network stack, unchanged or rewritten")          \
	X(DROP, "drop", "discarded silently")                                           \
	X(REFUSE, "refuse", "answered with a TCP reset or an ICMP error")               \
	X(HOLD, "hold", "copied to the agent, to be replayed once the answer is known") \
	X(AUDIT, "audit", "would have been denied; passed because enforcement is Audit")

/* Why. Reasons of class `drop` end a packet and have a counter in the `drops` map; reasons of
 * class `note` are counted there too but the packet goes on. X(NAME, "name", class, text) */
#define DF_REASONS(X)                                                                              \
	X(NONE, "none", note, "nothing to report")                                                 \
	X(FORWARDED, "forwarded", note, "a new connection was allowed and sent to an instance")    \
	X(MIDFLOW, "midflow", note,                                                                \
	  "part of a connection that is older than the switch; left to the stack")                 \
	X(PROBE, "probe", note, "sent by the node itself (a kubelet probe, for instance)")         \
	X(HELD, "held", note, "first packet kept: the function has no ready instance")             \
	X(HELD_SOURCE, "held_source", note,                                                        \
	  "first packet kept: its source is in a pod network but not known yet")                   \
	X(AUDITED, "audited", note,                                                                \
	  "no edge allows this call; passed because enforcement is Audit")                         \
	X(NO_EDGE, "no_edge", drop, "no edge of a FunctionChain allows this call")                 \
	X(EDGE_REVOKED, "edge_revoked", drop, "the edge that allowed this connection was removed") \
	X(PORT_CLOSED, "port_closed", drop, "the function does not declare this port")             \
	X(NO_ENDPOINT, "no_endpoint", drop,                                                        \
	  "the function has no ready instance and its route says refuse")                          \
	X(HOLD_EXPIRED, "hold_expired", drop,                                                      \
	  "held until the deadline, or the hold queue was full")                                   \
	X(HOLD_FULL, "hold_full", drop,                                                            \
	  "could not be held: buffer to the agent full or packet too large")                       \
	X(REPLAY_RESET, "replay_reset", drop,                                                      \
	  "the instance refused a replayed packet; it is kept and sent again")                     \
	X(ENDPOINT_GONE, "endpoint_gone", drop,                                                    \
	  "the instance behind this connection no longer exists")                                  \
	X(STALE_FLOW, "stale_flow", drop, "packet to a vIP that belongs to no known connection")   \
	X(SPOOFED, "spoofed", drop, "source address is not the sender's own")                      \
	X(UNKNOWN_SOURCE, "unknown_source", drop,                                                  \
	  "source is in a pod network but no known pod has it")                                    \
	X(CT_FULL, "ct_full", drop, "connection table full; existing connections are not touched") \
	X(CT_BUDGET, "ct_budget", drop,                                                            \
	  "this pod opens connections faster, or holds more, than it may")                         \
	X(TUPLE_COLLISION, "tuple_collision", drop,                                                \
	  "no free port to tell this connection from another")                                     \
	X(FRAGMENT, "fragment", drop, "fragment whose first part was not seen")                    \
	X(MALFORMED, "malformed", drop, "headers truncated or inconsistent")                       \
	X(VLAN, "vlan", drop, "tagged frame from a function's interface")                          \
	X(UNSUPPORTED_PROTO, "unsupported_proto", drop,                                            \
	  "neither TCP, UDP nor ICMP, to a function")                                              \
	X(REWRITE_FAILED, "rewrite_failed", drop, "the kernel refused to change the packet")

enum df_verdict {
#define X(name, text, doc) DF_VERDICT_##name,
	DF_VERDICTS(X)
#undef X
	    DF_VERDICT_MAX
};

enum df_reason {
#define X(name, text, cls, doc) DF_REASON_##name,
	DF_REASONS(X)
#undef X
	    DF_REASON_MAX
};

/* The program that saw the packet. */
enum df_hook { DF_HOOK_FROM_POD, DF_HOOK_TO_POD, DF_HOOK_UPLINK, DF_HOOK_MAX };

#endif
