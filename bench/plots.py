# SPDX-License-Identifier: Apache-2.0
"""The plots of docs/performance.md. Each takes all results by name and returns a figure, or None if what it needs
was not measured."""

from collections.abc import Callable
from typing import NamedTuple

from matplotlib import pyplot, rcParams

rcParams.update({
    "svg.hashsalt": "directfaas", "svg.fonttype": "none", "font.family": "DejaVu Sans", "font.size": 10,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "axes.grid.axis": "x", "grid.color": "#dddddd",
    "axes.axisbelow": True,
})
COLOURS = {"fast": "#1b7f5c", "stack": "#3b6fb6", "gateway": "#b3632e", "budget": "#aa2222", "plain": "#777777"}


class Plot(NamedTuple):
    name: str
    title: str
    text: str  # what to see in it
    draw: Callable


def _bars(rows, label, line=None, line_text="", spread=True):
    """Horizontal bars: rows of (text, metric, colour, value of it)."""
    figure, axes = pyplot.subplots(figsize=(8, 0.9 + 0.34 * len(rows)), layout="constrained")
    for i, (_, m, colour, value) in enumerate(rows):
        axes.barh(i, value, color=colour, height=0.62)
        end = value
        if spread:
            low, high = m["spread"]
            end = max(value, high)
            axes.errorbar(value, i, xerr=[[max(0, value - low)], [max(0, high - value)]], color="#222222", capsize=2.5, lw=1)
        axes.annotate(f"{value:.3g}", (end, i), (6, 0), textcoords="offset points", va="center", fontsize=9,
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
    axes.set_yticks(range(len(rows)), [r[0] for r in rows])
    axes.invert_yaxis()
    axes.set_xlabel(label)
    axes.margins(x=0.1)
    if line is not None:
        axes.axvline(line, color=COLOURS["budget"], lw=1, ls="--")
        axes.text(line, -0.75, line_text, color=COLOURS["budget"], ha="center", fontsize=8.5)
    return figure


def _by_name(results, benchmark):
    return {m["metric"]: m for m in results.get(benchmark, [])}


KINDS = (("request and answer, kept connection", "request, answer"), ("connect, request, close", "connect, request, close"))


def _latency(results):
    have = _by_name(results, "latency")
    rows = []
    for kind, text in KINDS:
        for way in ("fast", "stack"):
            for family in ("v4", "v6"):
                m = have.get(f"{kind}, {family}, p50, vIP by the {way} path against plain")
                if m:
                    rows.append((f"{text}, {way} path, {family}", m, COLOURS[way], m["ratio"]))
    return _bars(rows, "p50 by vIP, as a multiple of plain pod to pod by pod IP", 1, "plain") if rows else None


def _latency_ovs(results):
    """Each datapath against plain of its own run: on the machine, and in the guest."""
    rows = []
    for kind, text in KINDS:
        for benchmark, way, label, colour in (
                ("latency", "vIP over Open vSwitch, userspace datapath,", "userspace datapath", "gateway"),
                ("latency_ovs_kernel", "in the guest, vIP over Open vSwitch, kernel datapath,", "kernel datapath, in the guest", "stack"),
                ("latency_ovs_kernel", "in the guest, vIP by the stack path", "eBPF, stack path, in the guest", "plain"),
                ("latency_ovs_kernel", "in the guest, vIP by the fast path", "eBPF, fast path, in the guest", "fast")):
            have = _by_name(results, benchmark)
            for family in ("v4", "v6"):
                if m := have.get(f"{kind}, {family}, p50, {way} against plain"):
                    rows.append((f"{text}, {label}, {family}", m, COLOURS[colour], m["ratio"]))
    return _bars(rows, "p50 by vIP, as a multiple of plain pod to pod by pod IP", 1, "plain") if rows else None


GATEWAYS = (("through nginx", "nginx", "gateway"), ("through haproxy", "HAProxy", "gateway"))
OURS = (("vIP by the fast path", "fast path", "fast"), ("vIP by the stack path", "stack path", "stack"))


def _cpu(results):
    rows = []
    have = _by_name(results, "throughput") | _by_name(results, "connections")
    for shape in ("8 connections, 200 B", "8 connections, 64 KiB", "a connection for each, 8 at a time"):
        plain = None
        for label, text, colour in (*OURS, *GATEWAYS):
            m = have.get(f"HTTP, {shape}, v4, CPU of a request, {label} against plain")
            if not m:
                continue
            if plain is None:
                plain = m["baseline"]
                rows.append((f"{shape}: plain", m, COLOURS["plain"], plain))
            # Ratios are taken within rounds, so they tell more than two medians.
            rows.append((text, m, COLOURS[colour], plain * m["ratio"]))
    return _bars(rows, "CPU time of a request, µs (IPv4, both ends and what is between)", spread=False) if rows else None


COUNTS = (("10", 10), ("1 000", 1000), ("10 000", 10000))
LINES = (("iptables", "its ClusterIP", "kube-proxy's ClusterIP, iptables", "gateway", "-"),
         ("nftables", "its ClusterIP", "kube-proxy's ClusterIP, nftables", "gateway", "--"),
         ("nftables", "pod IP with its rules", "pod IP, nftables' rules loaded", "plain", "--"),
         ("nftables", "vIP by the stack path", "vIP, stack path, the same rules", "stack", "--"),
         ("nftables", "vIP by the fast path", "vIP, fast path, the same rules", "fast", "--"))


def _scale(results):
    """A picture for each kind of call: ratio by number of Services, a line for each way."""
    have = _by_name(results, "scale")
    if not have:
        return None
    figure, pictures = pyplot.subplots(1, 2, figsize=(8.6, 4), layout="constrained")
    for (kind, title), axes in zip(KINDS, pictures, strict=True):
        for mode, way, label, colour, style in LINES:
            points = [(number, have.get(f"{kind}, p50, kube-proxy {mode}, {text} Services, {way} against plain without rules"))
                      for text, number in COUNTS]
            points = [(number, m) for number, m in points if m]
            ratios = [m["ratio"] for _, m in points]
            axes.errorbar([number for number, _ in points], ratios, label=label, color=COLOURS[colour], ls=style, marker="o", ms=4, capsize=2.5,
                          yerr=[[r - m["spread"][0] for r, (_, m) in zip(ratios, points, strict=True)],
                                [m["spread"][1] - r for r, (_, m) in zip(ratios, points, strict=True)]])
        axes.axhline(1, color=COLOURS["budget"], lw=1, ls=":")
        axes.set_xscale("log")
        axes.set_xticks([number for _, number in COUNTS], [text for text, _ in COUNTS])
        axes.minorticks_off()
        axes.grid(True, axis="y")
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("Services, and functions")
    pictures[0].set_ylabel("p50, as a multiple of plain without rules")
    pictures[1].legend(loc="upper left", fontsize=8.5, frameon=False)
    return figure


def _connections(results):
    """Ratios are taken within rounds, so they tell more than two medians."""
    rows = []
    have = _by_name(results, "connections")
    for load in ("1", "8", "64"):
        for label, text, colour in (*OURS, *GATEWAYS):
            for family in ("v4", "v6"):
                m = have.get(f"HTTP, a connection for each, {load} at a time, {family}, connections a second on a core, {label} against plain")
                if m:
                    rows.append((f"{load} at a time, {text}, {family}", m, COLOURS[colour], m["ratio"]))
    return _bars(rows, "connections a second on a core, as a multiple of plain pod to pod", 1, "plain") if rows else None


def _programs(results):
    rows = []
    for m in results.get("datapath", []):
        if m["metric"].endswith("against DNAT only") and m["ratio"] is not None:
            family = "v6" if " v6" in m["metric"] else "v4"
            name = m["metric"].replace(", against DNAT only", "").replace(f" {family}", "")
            rows.append((f"{name}, {family}", m, COLOURS["stack"], m["ratio"]))
    return _bars(rows, "cost as a multiple of a program that does nothing but DNAT", 1.5, "budget (from_pod)") if rows else None


def _control(results):
    rows = []
    for benchmark in ("rules", "kube", "cold"):
        for m in results.get(benchmark, []):
            if m["unit"] == "ms" and m["metric"].endswith(("p50", "p99")) and "PATCH" not in m["metric"]:
                rows.append((m["metric"].replace(" that names the listening instance", ""), m,
                             COLOURS["fast" if benchmark == "cold" else "stack"], m["value"]))
    return _bars(rows, "ms", 5, "budget (p99)", spread=False) if rows else None


PLOTS = [
    Plot("latency", "What a caller feels", "Two pods on one node. Bars are medians of the ratios taken within a round, with quartiles.", _latency),
    Plot("latency_ovs", "What a caller feels on Open vSwitch",
         "The same on a bridge: the userspace datapath on this machine; the kernel's, beside the eBPF switch, in a guest "
         "that QEMU emulates, where only ratios mean anything.", _latency_ovs),
    Plot("cpu", "What a request takes of the CPU", "HTTP requests on one CPU that is never idle. A gateway does each request twice.", _cpu),
    Plot("connections", "Connections a second on a core",
         "Connect, HTTP request, close, on one CPU that is never idle. Longer is better. A gateway keeps its own connections to the callee.",
         _connections),
    Plot("scale", "Against kube-proxy, from 10 to 10 000 Services",
         "A real kube-proxy has made its rules on the node, the switch has as many functions. Medians of the ratios taken within a round, "
         "with quartiles. ClusterIPs are ten, spread over kube-proxy's rules, whose order is its own.", _scale),
    Plot("programs", "What a packet costs in the switch", "`BPF_PROG_TEST_RUN`, 10 000 functions installed.", _programs),
    Plot("control", "How soon a change is in force, and a first call answered",
         "1 000 functions × 10 instances; one call held at a time. On Kubernetes from the event, which is the agent's part.", _control),
]
