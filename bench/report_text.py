# SPDX-License-Identifier: Apache-2.0
"""The text of docs/performance.md."""

from metrics import against, judged

TITLES = {
    "datapath": "Packets in the switch", "latency": "Latency", "throughput": "CPU and throughput", "connections": "New connections",
    "scale": "Against kube-proxy", "rules": "Changes", "cold": "From zero",
    "memory": "Memory", "gate": "Regression gate", "latency_ovs_kernel": "Latency on Open vSwitch's kernel datapath",
    "rules_ovs": "Changes on Open vSwitch", "kube": "On Kubernetes",
}
COMMANDS = {"rules_ovs": "rules --backend ovs"}


def _number(value):
    return "–" if value is None else f"{value:,.0f}".replace(",", " ") if abs(value) >= 1000 else f"{value:.4g}"


def _unit(m):
    return "×" if m["ratio"] is not None else " " + m["unit"]


def _budgets(results):
    lines = ["| what | measured | budget | | goal | |", "| --- | ---: | ---: | --- | ---: | --- |"]
    for name, metrics in results.items():
        for m in metrics if name != "gate" else []:
            goal = m.get("goal")
            if m["budget"] is None and goal is None:
                continue
            cells = [f"{_number(judged(m))}{_unit(m)}", _number(m["budget"]), against(m, m["budget"]), _number(goal), against(m, goal)]
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
