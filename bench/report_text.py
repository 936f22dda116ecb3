# SPDX-License-Identifier: Apache-2.0
"""The text of docs/performance.md."""

# Metric -> goal beyond its budget (for the ratio where there is one), as the project set them before measuring.
GOALS = {
    "from_pod established v4": 100,
    "from_pod new connection v4": 1000,
    "request and answer, kept connection, v4, p50, vIP by the fast path against plain": 0.95,
    "request and answer, kept connection, v6, p50, vIP by the fast path against plain": 0.95,
    "request and answer, kept connection, v4, p50, vIP by the stack path against plain": 1.0,
    "request and answer, kept connection, v6, p50, vIP by the stack path against plain": 1.0,
    "edge given or taken: rename to verdict, p99": 1,
    "instance given or taken: rename to route, p99": 1,
    "instance given or taken: rename to a packet's way, userspace datapath, p99": 5,
    "first call: the instance listens, to the first byte, p99": 2,
    "first call: rename of the manifest that names the listening instance, to the first byte, p99": 2,
    "agent RSS, 10 000 functions, 100 000 instances": 50,
    "kernel tables and programs, the same": 128,
}
TITLES = {
    "datapath": "Packets in the switch", "latency": "Latency", "throughput": "CPU and throughput", "rules": "Changes", "cold": "From zero",
    "memory": "Memory", "gate": "Regression gate", "latency_ovs_kernel": "Latency on Open vSwitch's kernel datapath",
    "rules_ovs": "Changes on Open vSwitch",
}
COMMANDS = {"rules_ovs": "rules --backend ovs"}


def _number(value):
    return "–" if value is None else f"{value:,.0f}".replace(",", " ") if abs(value) >= 1000 else f"{value:.4g}"


def _judged(m):
    return m["value"] if m["ratio"] is None else m["ratio"]


def _unit(m):
    return "×" if m["ratio"] is not None else " " + m["unit"]


def _against(m, limit):
    """"met", or by how much not."""
    if limit is None:
        return ""
    over = _judged(m) / limit - 1
    return "met" if over <= 0 else f"missed by {100 * over:.1f} %" if over < 1 else f"missed: {_judged(m) / limit:.1f} times"


def _budgets(results):
    lines = ["| what | measured | budget | | goal | |", "| --- | ---: | ---: | --- | ---: | --- |"]
    for name, metrics in results.items():
        for m in metrics if name != "gate" else []:
            goal = GOALS.get(m["metric"])
            if m["budget"] is None and goal is None:
                continue
            cells = [f"{_number(_judged(m))}{_unit(m)}", _number(m["budget"]), _against(m, m["budget"]), _number(goal), _against(m, goal)]
            lines.append(f"| {m['metric']} | " + " | ".join(cells) + " |")
    return lines


def _all(metrics):
    lines = ["| metric | value | baseline | ratio | quartiles |", "| --- | ---: | ---: | ---: | ---: |"]
    for m in metrics:
        low, high = m["spread"]
        lines.append(f"| {m['metric']} | {_number(m['value'])} {m['unit']} | {_number(m['baseline'])} | {_number(m['ratio'])} | "
                     f"{_number(low)} – {_number(high)} |")
    return lines


def page(results, about, plots, pictures):
    """The whole page, as Markdown."""
    lines = ["# Performance", "",
             "Written by `bench/report` from `bench/results/`, which `bench/run` makes; not by hand. How it is measured:",
             "[bench/README.md](../bench/README.md). One machine's figures: compare ratios, not times.", "",
             "## Budgets and goals", "",
             "A budget is a must, a goal an aim; for a figure with a baseline both are for the ratio.", "", *_budgets(results), ""]
    for plot in plots:
        lines += [f"## {plot.title}", "", plot.text, "", f"![{plot.title}]({pictures}/{plot.name}.svg)", ""]
    lines += ["## All figures", ""]
    for name, metrics in results.items():
        where = about.get(name)
        lines += [f"### {TITLES.get(name, name)}", "", f"`bench/run {COMMANDS.get(name, name)}`" + (f", {where}" if where else "") + ".", "", *_all(metrics), ""]
    return "\n".join(lines).rstrip() + "\n"
