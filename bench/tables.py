# SPDX-License-Identifier: Apache-2.0
"""Metrics as text tables for a terminal."""

from metrics import against, judged


def number(value):
    """At most four digits, no exponent, no zeros that say nothing."""
    return "-" if value is None else f"{value:,.0f}".replace(",", " ") if value >= 1000 else f"{value:.4g}"


def _figure(m, value):
    """With the unit that budget and goal have."""
    return number(value) + ("×" if m["ratio"] is not None else f" {m['unit']}")


def _aligned(rows, left):
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    lines = []
    for r in rows:
        cells = [cell.ljust(w) if i in left else cell.rjust(w) for i, (cell, w) in enumerate(zip(r, widths, strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _row(m):
    ratio = "-" if m["ratio"] is None else f"{m['ratio']:.3f}×"
    budget = "-" if m["budget"] is None else f"≤ {_figure(m, m['budget'])}"
    met = {None: "", True: "met", False: "NOT MET"}[m["met"]]
    spread = f"{number(m['spread'][0])} – {number(m['spread'][1])}"
    return [m["metric"], f"{number(m['value'])} {m['unit']}", number(m["baseline"]), ratio, spread, budget, met]


def table(metrics):
    """All metrics of a benchmark."""
    return _aligned([["metric", "value", "baseline", "ratio", "quartiles", "budget", ""], *map(_row, metrics)], left=(0, 6))


def closing(metrics):
    """What has a budget or a goal, and whether each is met, or by how much not."""
    rows = [["metric", "measured", "budget", "", "goal", ""]]
    for m in metrics:
        goal = m.get("goal")
        if m["budget"] is not None or goal is not None:
            rows.append([m["metric"], _figure(m, judged(m)), number(m["budget"]), against(m, m["budget"]), number(goal), against(m, goal)])
    met = [sum(r[i] == "met" for r in rows) for i in (3, 5)]
    of = [sum(r[i] != "" for r in rows[1:]) for i in (3, 5)]
    return f"{_aligned(rows, left=(0, 3, 5))}\n{met[0]} of {of[0]} budgets and {met[1]} of {of[1]} goals are met"
