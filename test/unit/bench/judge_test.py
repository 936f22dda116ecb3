#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From samples to metrics, budgets, goals and tables."""

import sys
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "bench"))

import judge  # noqa: E402
import peers_text  # noqa: E402
from metrics import Rounds, against, metric  # noqa: E402
from tables import closing, table  # noqa: E402


class MetricTest(unittest.TestCase):
    def test_a_budget_is_for_the_value_or_for_the_ratio(self):
        value = metric("a", "ms", [4, 5, 6], budget=5)
        ratio = metric("a", "ms", [4, 5, 6], [2, 2, 2], budget=2)
        self.assertEqual((value["value"], value["met"]), (5, True))
        self.assertEqual((ratio["value"], ratio["baseline"], ratio["ratio"], ratio["met"]), (5, 2, 2.5, False))

    def test_a_metric_without_a_goal_has_no_such_field(self):
        self.assertNotIn("goal", metric("a", "ms", [1]))
        self.assertEqual(metric("a", "ms", [1], goal=2)["goal"], 2)

    def test_against_says_by_how_much(self):
        self.assertEqual(against(metric("a", "ms", [1]), None), "")
        self.assertEqual(against(metric("a", "ms", [1]), 1), "met")
        self.assertEqual(against(metric("a", "ms", [1.1]), 1), "missed by 10.0 %")
        self.assertEqual(against(metric("a", "ms", [6], [2]), 1), "missed: 3.0 times")

    def test_a_round_knows_what_was_measured(self):
        rounds = Rounds({"rounds": [{"a": 1}, {"a": 2}]})
        self.assertTrue("a" in rounds and "b" not in rounds)


class ScaleTest(unittest.TestCase):
    def samples(self, counts):
        """By the stack path as by pod IP, where kube-proxy's rules get slower with their number; ours by the fast path
        half of plain without rules."""
        one = {}
        for count in counts:
            times = {"plain": 100}
            for mode in ("iptables", "nftables"):
                with_rules = 100 + count / 100
                times |= {f"{mode}_plain": with_rules, f"{mode}_service": 2 * with_rules, f"{mode}_stack": with_rules, f"{mode}_fast": 50}
            one |= {f"{kind}_{way}_{count}_{share}": t for way, t in times.items() for kind in ("rr", "crr") for share in ("p50", "p99", "p999")}
        series = {f"load_{mode}_{count}_s": [1, 3] for mode in ("iptables", "nftables") for count in counts}
        return {"rounds": [one, one], "notes": {}, "series": series}

    def ratios(self, counts):
        return {m["metric"]: m for m in judge.scale(self.samples(counts))}

    def test_growth_of_the_rules_of_others_is_not_ours(self):
        found = self.ratios((10, 1000, 10000))
        self.assertEqual(found["connect, request, close, p50, kube-proxy iptables, vIP by the stack path, 10 000 Services against 10"]["ratio"], 1)
        self.assertGreater(found["connect, request, close, p50, kube-proxy iptables, ClusterIP, 10 000 Services against 10"]["ratio"], 1.9)

    def test_limits_are_those_of_the_same_netfilter_state(self):
        found = self.ratios((10, 1000))
        name = "request and answer, kept connection, p50, kube-proxy nftables, 1 000 Services, vIP by the fast path against "
        rules, bare = found[name + "pod IP with its rules"], found[name + "plain without rules"]
        self.assertEqual((rules["budget"], rules["goal"], bare["budget"], bare["goal"], bare["ratio"]), (0.9, 0.85, 1.0, 0.95, 0.5))

    def test_the_time_that_kube_proxy_took_is_told(self):
        self.assertEqual(self.ratios((10,))["kube-proxy nftables, 10 Services, its start until the ClusterIPs answer"]["value"], 2)


class TablesTest(unittest.TestCase):
    METRICS = [metric("a", "ms", [5], budget=4, goal=2), metric("b", "ms", [5], [5], budget=1.1), metric("c", "ms", [5])]

    def test_closing_counts_what_is_met(self):
        text = closing(self.METRICS)
        self.assertIn("1 of 2 budgets and 0 of 1 goals are met", text)
        self.assertIn("missed by 25.0 %", text)
        self.assertNotIn("\nc ", text)

    def test_a_table_has_all(self):
        self.assertEqual(len(table(self.METRICS).splitlines()), 4)


class PeersTest(unittest.TestCase):
    def test_a_figure_that_was_not_measured_is_a_dash(self):
        lines = peers_text.peers({"throughput": [metric("HTTP, 1 connection, 200 B, v4, p50, through nginx against plain", "µs", [5], [2])]})
        self.assertEqual([line for line in lines if "nginx |" in line], ["| gateway, nginx | 2.50 × | – | – | – | – |"])

    def test_only_the_table_is_replaced(self):
        text = f"a\n{peers_text.BEGIN}\nold\n{peers_text.END}\nb\n"
        made = peers_text.with_peers(text, {})
        self.assertTrue(made.startswith(f"a\n{peers_text.BEGIN}\n| a call") and made.endswith(f"{peers_text.END}\nb\n"))
        self.assertNotIn("old", made)
        with self.assertRaises(ValueError):
            peers_text.with_peers("a", {})


if __name__ == "__main__":
    unittest.main()
