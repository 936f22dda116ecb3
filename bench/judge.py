# SPDX-License-Identifier: Apache-2.0
"""What each benchmark's samples mean, and the budgets of the project beside them."""

from collections.abc import Callable
from typing import NamedTuple

from judge_calls import connections, latency, latency_ovs_kernel, scale, throughput
from metrics import Rounds, metric, percentile, rounded

GATE_ROOM = 1.15  # ratios differ by up to a tenth from run to run
FLAT = 1.0  # cost with 10 000 functions as a multiple of that with 10
NS, MS, S, MIB = "ns", "ms", "s", "MiB"


def datapath(samples):
    rounds = Rounds(samples)

    def cost(name, idle):
        # What BPF_PROG_TEST_RUN would report for the program alone: without the restoring of the
        # packet before each turn, with what it reports for an empty program.
        return rounds.difference(name, idle, "bare")

    metrics = []
    for family in ("v4", "v6"):
        idle, idle_new = f"idle_{family}", f"idle_new_{family}"
        dnat = cost(f"dnat_only_{family}", idle)
        call = cost(f"call_{family}_10000", idle)
        v4 = family == "v4"
        metrics.append(metric(f"from_pod established {family}", NS, call, budget=170 if v4 else None, goal=100 if v4 else None))
        metrics.append(metric(f"from_pod established {family}, against DNAT only", NS, call, dnat, 1.5))
        for name, text in (("answer", "to_pod answer"), ("serve", "to_pod call at the callee"),
                           ("reply", "from_pod reply at the callee")):
            metrics.append(metric(f"{text} {family}, against DNAT only", NS, cost(f"{name}_{family}_10000", idle), dnat))
        for name, text in (("new_call", "from_pod new connection"), ("new_serve", "to_pod new connection at the callee")):
            metrics.append(metric(f"{text} {family}", NS, cost(f"{name}_{family}_10000", idle_new), budget=1500, goal=1000))
        metrics.append(metric(f"from_pod packet to no function {family}", NS, cost(f"other_{family}_10000", idle)))
        for name, text, base in (("call", "from_pod established", idle), ("answer", "to_pod answer", idle),
                                 ("new_call", "from_pod new connection", idle_new),
                                 ("other", "from_pod packet to no function", idle)):
            metrics.append(metric(f"{text} {family}, 10 000 functions against 10", NS,
                                  cost(f"{name}_{family}_10000", base), cost(f"{name}_{family}_10", base), 1.1, goal=FLAT))
    metrics.append(metric("from_pod established v4, 512 connections to 512 functions against 9", NS,
                          cost("call_spread_v4_10000", "idle_spread_v4"), cost("call_spread_v4_10", "idle_spread_v4"), 1.1, goal=FLAT))
    metrics.append(metric("DNAT only v4", NS, cost("dnat_only_v4", "idle_v4")))
    metrics.append(metric("empty program", NS, rounds["bare"]))
    return metrics


def gate(samples):
    """Costs as multiples of a program that does nothing but DNAT, so that they can be compared from machine to machine."""
    rounds = Rounds(samples)
    metrics = []
    for family in ("v4", "v6"):
        dnat = rounds.difference(f"dnat_only_{family}", f"idle_{family}", "bare")
        for name, text in (("call", "from_pod established"), ("answer", "to_pod answer"), ("serve", "to_pod call at the callee"),
                           ("reply", "from_pod reply at the callee"), ("other", "from_pod packet to no function"),
                           ("new_call", "from_pod new connection"), ("new_serve", "to_pod new connection at the callee")):
            idle = f"idle_new_{family}" if name.startswith("new") else f"idle_{family}"
            cost = rounds.difference(f"{name}_{family}_10000", idle, "bare")
            metrics.append(metric(f"{text} {family}, against DNAT only", NS, cost, dnat))
    return metrics


def with_limits(metrics, accepted):
    """A gate's metrics with the ratios that were accepted last, and GATE_ROOM above them, as budgets."""
    limits = {m["metric"]: m["ratio"] * GATE_ROOM for m in accepted}
    for m in metrics:
        if (limit := limits.get(m["metric"])) is not None:
            m["budget"] = rounded(limit)
            m["met"] = m["ratio"] <= limit
    return metrics


def rules(samples):
    metrics = []
    for series, text in (("edge_ms", "edge given or taken: rename to verdict"),
                         ("instances_ms", "instance given or taken: rename to route")):
        values = samples["series"][series]
        metrics.append(metric(f"{text}, p50", MS, values))
        metrics.append(metric(f"{text}, p99", MS, values, budget=5, value=percentile(values, 0.99), goal=1))
    metrics.append(metric("10 000 functions from nothing, agent's start included", S, samples["series"]["load_s"]))
    return metrics


def kube(samples):
    """What rules and memory ask, of an agent on a real kube-apiserver. The way from the PATCH to the event is Kubernetes' own."""
    series = samples["series"]
    metrics = []
    for what, name in (("edge given or taken", "edge"), ("instance given or taken", "instances")):
        seen = "verdict" if name == "edge" else "route"
        for since, key, budget in (("the event has reached the node", f"{name}_event_ms", 5), ("PATCH sent", f"{name}_ms", None)):
            metrics.append(metric(f"{what}: {since}, to {seen}, p50", MS, series[key]))
            metrics.append(metric(f"{what}: {since}, to {seen}, p99", MS, series[key], budget=budget, value=percentile(series[key], 0.99)))
    for text, unit, key in (
            ("1 000 functions, 10 000 endpoints: first object created, to all in force", S, "visible_s"),
            ("the same, from the last object's creation answered", MS, "visible_after_ms"),
            ("agent restarted at that scale, until a change made meanwhile is in force", S, "restart_followed_s"),
            ("the same, until it is ready", S, "restart_ready_s"),
            ("agent RSS, 10 000 endpoints on Kubernetes", MIB, "rss_mib"),
            ("agent RSS, the same, after a restart", MIB, "restart_rss_mib"),
            ("agent CPU at rest, 10 000 endpoints on Kubernetes", "% of a core", "cpu_rest"),
            ("agent's requests to the apiserver, at a start", "requests", "requests_start"),
            ("agent's requests to the apiserver, at rest", "a minute", "requests_rest"),
            ("agent's requests to the apiserver, for a change of an edge or instance", "requests", "requests_change")):
        metrics.append(metric(text, unit, series[key], goal=60 if key == "rss_mib" else None))
    return metrics


def cold(samples):
    metrics = []
    for series, text in (("listening_ms", "first call: the instance listens, to the first byte"),
                         ("endpoint_ms", "first call: rename of the manifest that names the listening instance, to the first byte")):
        values = samples["series"][series]
        metrics.append(metric(f"{text}, p50", MS, values))
        metrics.append(metric(f"{text}, p99", MS, values, budget=5, value=percentile(values, 0.99), goal=2))
    return metrics


def rules_ovs(samples):
    """The same questions; what answers is a packet."""
    metrics = []
    for series, text in (("edge_ms", "edge taken: rename to a packet's verdict"),
                         ("given_ms", "edge given to a caller that is refused all the time: rename to a packet's verdict"),
                         ("instances_ms", "instance given or taken: rename to a packet's way")):
        values = samples["series"][series]
        metrics.append(metric(f"{text}, userspace datapath, p50", MS, values))
        metrics.append(metric(f"{text}, userspace datapath, p99", MS, values, value=percentile(values, 0.99),
                              goal=5 if series == "instances_ms" else None))
    metrics.append(metric("10 000 functions from nothing, agent's start included", S, samples["series"]["load_s"]))
    for note, text in (("rss_mib", "agent RSS, 10 000 functions, 100 000 instances, on Open vSwitch"), ("peak_mib", "agent RSS at its peak, the same")):
        metrics.append(metric(text, MIB, [samples["notes"][note]]))
    return metrics


def memory(samples):
    notes = samples["notes"]

    def one(text, name, budget=None, goal=None):
        return metric(text, MIB, [notes[name]], budget=budget, goal=goal)

    return [
        one("agent RSS, 10 000 functions, 100 000 instances", "rss_mib_10000", 100, 50),
        one("agent RSS at its peak, the same", "peak_mib_10000"),
        one("kernel tables and programs, the same", "kernel_mib_10000", 256, 128),
        one("agent RSS, 10 functions", "rss_mib_10"),
        one("kernel tables and programs, 10 functions", "kernel_mib_10"),
        metric("agent CPU at rest, 10 000 functions, 100 000 instances", "% of a core", [notes["cpu_rest"]], budget=0.1),
        metric("agent CPU at 1 000 changes of instances a second, the same", "% of a core", [notes["cpu_changes"]]),
    ]


class Benchmark(NamedTuple):
    """How a benchmark's program is run, and what its samples mean."""

    judge: Callable
    arguments: list
    quick: list
    # In how many processes one after the other: where tables and programs lie in memory differs
    # from one load to the next, and some figures with it.
    processes: int = 1
    # Whose program it runs, if it has none of its own.
    program: str = ""
    # In a guest with a kernel of test/kernels/kernels.txt and Open vSwitch, not on this machine.
    guest: str = ""
    # Compared with its own last accepted results, which only --accept replaces.
    gate: bool = False
    # Runs a real Kubernetes control plane: needs what test/cluster/build makes.
    kubernetes: bool = False


BENCHMARKS = {
    "datapath": Benchmark(datapath, ["25"], ["5"], processes=8),
    "gate": Benchmark(gate, ["10"], ["3"], processes=3, program="datapath", gate=True),
    "latency": Benchmark(latency, ["20"], ["5"], processes=4),
    "latency_ovs_kernel": Benchmark(latency_ovs_kernel, ["20"], ["3"], program="latency", guest="ovs-6.1"),
    "throughput": Benchmark(throughput, ["12"], ["2"], processes=3),
    "connections": Benchmark(connections, ["12", "new"], ["2", "new"], processes=3, program="throughput"),
    "scale": Benchmark(scale, ["40"], ["3", "1000"], kubernetes=True),
    "rules": Benchmark(rules, ["400", "5"], ["200", "1"]),
    "cold": Benchmark(cold, ["300"], ["30"]),
    "memory": Benchmark(memory, [], []),
    "kube": Benchmark(kube, ["400", "10", "60"], ["50", "2", "10"], processes=3, kubernetes=True),
    "rules_ovs": Benchmark(rules_ovs, ["400", "1"], ["100", "1"]),
}
