# SPDX-License-Identifier: Apache-2.0
"""What the samples of benchmarks of whole calls, from pod to pod, mean, and the budgets and goals beside them."""

from metrics import Rounds, metric

US, S = "µs", "s"
LATENCIES = (("rr", "request and answer, kept connection"), ("crr", "connect, request, close"))
WAYS = {"stack": "vIP by the stack path", "fast": "vIP by the fast path"}
# Of p50 on a kept connection against plain without netfilter rules: what must be, and what is aimed at.
LIMITS = {"stack": (1.05, 1.0), "fast": (1.0, 0.95)}
NONE = (None, None)


def latency(samples):
    ways = [(way, text, US) for way, text in WAYS.items()] + [("ovs", "vIP over Open vSwitch, userspace datapath,", US)]
    return [m for way, text, unit in ways for m in _latencies(samples, way, text, unit, LIMITS.get(way, NONE))]


def latency_ovs_kernel(samples):
    """In a guest that QEMU emulates: its times are nobody's, only ratios within it mean anything, and of those not
    the p99, which is the emulator's."""
    ways = [*((way, f"in the guest, {text}") for way, text in WAYS.items()), ("ovs", "in the guest, vIP over Open vSwitch, kernel datapath,")]
    return [m for way, text in ways for m in _latencies(samples, way, text, "µs (emulated)", shares=("p50",))]


def _latencies(samples, way, text, unit, limits=NONE, shares=("p50", "p99")):
    """One way against plain; nothing if it was not measured, as where Open vSwitch is not installed."""
    rounds = Rounds(samples)
    if f"rr_{way}_v4_p50" not in rounds:
        return []
    metrics = []
    for kind, what in LATENCIES:
        for family in ("v4", "v6"):
            for share in shares:
                budget, goal = limits if (kind, share) == ("rr", "p50") else NONE
                metrics.append(metric(f"{what}, {family}, {share}, {text} against plain", unit, rounds[f"{kind}_{way}_{family}_{share}"],
                                      rounds[f"{kind}_plain_{family}_{share}"], budget, goal=goal))
    return metrics


def _http(samples, shapes, figures):
    """Each way against plain, but for gateways that are not installed. The CPU is never idle while it is measured, so
    CPU time of a request is what is left of the CPU's time for others."""
    rounds = Rounds(samples)
    metrics = []
    for shape, text in shapes:
        for way, label in (*WAYS.items(), ("nginx", "through nginx"), ("haproxy", "through haproxy")):
            for family in ("v4", "v6"):
                name = f"{way}_{family}_{shape}"
                for figure, what, unit in figures if f"{name}_cpu_us" in rounds else ():
                    metrics.append(metric(f"HTTP, {text}, {family}, {what}, {label} against plain", unit, rounds[f"{name}_{figure}"],
                                          rounds[f"plain_{family}_{shape}_{figure}"]))
    return metrics


HTTP_FIGURES = (("cpu_us", "CPU of a request", US), ("p50", "p50", US), ("p99", "p99", US), ("p999", "p99.9", US))


def throughput(samples):
    shapes = (("c1_200", "1 connection, 200 B"), ("c8_200", "8 connections, 200 B"), ("c64_200", "64 connections, 200 B"),
              ("c8_64k", "8 connections, 64 KiB"))
    return _http(samples, shapes, HTTP_FIGURES)


def connections(samples):
    """One core is all there is, so connections a second are those of a core."""
    shapes = (("c1", "a connection for each, 1 at a time"), ("c8", "a connection for each, 8 at a time"),
              ("c64", "a connection for each, 64 at a time"))
    return _http(samples, shapes, (("per_s", "connections a second on a core", "1/s"), *HTTP_FIGURES))


COUNTS = (10, 1000, 10000)  # of Services, and of functions
SHARES = (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9"))


def scale(samples):
    """Against kube-proxy, in each of its modes, with as many Services as the switch has functions."""
    rounds = Rounds(samples)
    counts = [count for count in COUNTS if f"rr_plain_{count}_p50" in rounds]
    metrics = []
    for mode in ("iptables", "nftables"):
        for count in counts:
            metrics += _peers(rounds, mode, count)
        if counts[-1] > counts[0]:
            metrics += _growth(rounds, mode, counts[0], counts[-1])
        for count in counts:
            metrics.append(metric(f"kube-proxy {mode}, {_services(count)}, its start until the ClusterIPs answer", S,
                                  samples["series"][f"load_{mode}_{count}_s"]))
    return metrics


def _services(count):
    return f"{count:,} Services".replace(",", " ")


def _peers(rounds, mode, count):
    """With its rules loaded: each way against plain without rules; ours against the two that a cluster has."""
    where = f"kube-proxy {mode}, {_services(count)}"
    plain, service = "pod IP with its rules", "its ClusterIP"
    ways = (("plain", plain), ("service", service), *WAYS.items())
    # (way, other, text of the other, budget and goal of p50 on a kept connection)
    with_rules = (("stack", "plain", plain, (1.05, 1.0)), ("fast", "plain", plain, (0.9, 0.85)),
                  ("stack", "service", service, NONE), ("fast", "service", service, NONE))
    metrics = []
    for kind, what in LATENCIES:
        def add(way, label, share, text, other, other_label, limits, kind=kind, what=what):
            budget, goal = limits if (kind, share) == ("rr", "p50") else NONE
            metrics.append(metric(f"{what}, {text}, {where}, {label} against {other_label}", US,
                                  rounds[f"{kind}_{mode}_{way}_{count}_{share}"], rounds[f"{kind}_{other}_{count}_{share}"],
                                  budget, goal=goal))

        for way, label in ways:
            for share, text in SHARES:
                add(way, label, share, text, "plain", "plain without rules", LIMITS["fast"] if way == "fast" else NONE)
        for way, other, other_label, limits in with_rules:
            add(way, WAYS[way], "p50", "p50", f"{mode}_{other}", other_label, limits)
    return metrics


def _growth(rounds, mode, few, many):
    """p50 as a multiple of plain in the same round, with many against with few. By the stack path a packet meets
    kube-proxy's rules, whose growth is not ours: its plain is the one with the same rules."""
    metrics = []
    for kind, what in LATENCIES:
        for way, label, base in (("service", "ClusterIP", "plain"), ("stack", WAYS["stack"], f"{mode}_plain"), ("fast", WAYS["fast"], "plain")):
            def multiple(count, kind=kind, way=way, base=base):
                pairs = zip(rounds[f"{kind}_{mode}_{way}_{count}_p50"], rounds[f"{kind}_{base}_{count}_p50"], strict=True)
                return [value / plain for value, plain in pairs]

            ours = way in WAYS
            unit = "× plain without rules" if base == "plain" else "× pod IP with its rules"
            metrics.append(metric(f"{what}, p50, kube-proxy {mode}, {label}, {_services(many)} against {few}", unit,
                                  multiple(many), multiple(few), 1.1 if ours else None, goal=1.0 if ours else None))
    return metrics
