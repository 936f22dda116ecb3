# SPDX-License-Identifier: Apache-2.0
"""From samples of a benchmark program to metrics with budgets.

A metric is {metric, value, unit, baseline, ratio, budget, met, spread}, and goal where there is one.
Without a baseline budget and goal are for the value; with one they are for the ratio, and ratio is
the median of the ratios taken within each round, where both were measured one after the other. spread
is the quartiles of what the budget is for.
"""

import statistics


def quartiles(values):
    """Lower and upper quartile; the value itself where there is only one."""
    if len(values) < 2:
        return [values[0], values[0]]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return [low, high]


def percentile(values, share):
    """The smallest value that `share` of all do not exceed."""
    ranked = sorted(values)
    return ranked[max(0, -(-int(share * 1000) * len(ranked) // 1000) - 1)]


def rounded(number):
    """Four significant digits: more would claim what no machine can repeat."""
    return None if number is None else float(f"{number:.4g}")


def metric(name, unit, values, baseline=None, budget=None, value=None, goal=None):
    """One metric from values by round; `baseline` has the same rounds. `value` stands in for the
    median where another figure is what matters (a percentile over all rounds). `budget` must be met,
    `goal` is aimed at; neither may be exceeded."""
    subjects = values if baseline is None else [v / b for v, b in zip(values, baseline, strict=True)]
    center = statistics.median(values) if value is None else value
    ratio = None if baseline is None else statistics.median(subjects)
    subject = center if baseline is None else ratio
    return {
        "metric": name,
        "value": rounded(center),
        "unit": unit,
        "baseline": rounded(None if baseline is None else statistics.median(baseline)),
        "ratio": rounded(ratio),
        "budget": budget,
        "met": None if budget is None else bool(subject <= budget),
        "spread": [rounded(v) for v in quartiles(subjects)],
    } | ({} if goal is None else {"goal": goal})


def judged(m):
    """The figure of a metric that its budget and its goal are for."""
    return m["value"] if m["ratio"] is None else m["ratio"]


def against(m, limit):
    """"met", or by how much not; empty without a limit."""
    if limit is None:
        return ""
    share = judged(m) / limit
    return "met" if share <= 1 else f"missed by {100 * (share - 1):.1f} %" if share < 2 else f"missed: {share:.1f} times"


class Rounds:
    """Values by name and round."""

    def __init__(self, samples):
        self._rounds = samples["rounds"]

    def __contains__(self, name):
        return name in self._rounds[0]

    def __getitem__(self, name):
        return [r[name] for r in self._rounds]

    def difference(self, *names):
        """First name less the second plus the third less ..., round by round."""
        signs = [1 if i % 2 == 0 else -1 for i in range(len(names))]
        return [sum(s * r[n] for s, n in zip(signs, names, strict=True)) for r in self._rounds]
