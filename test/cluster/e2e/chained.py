# SPDX-License-Identifier: Apache-2.0
"""Other plugins in the node's list, and rules of netfilter as a CNI writes them for NetworkPolicies:
both keep their effect on calls between functions."""

import json
import re

import fast_path
from bookinfo import all_ok, call, pods, refused
from harness import CLUSTER, apply, expect, kubectl, on_node, run, until

CONFLIST = "/etc/cni/net.d/10-test.conflist"
RATE = "40M"


def plugins(node):
    return [plugin["type"] for plugin in json.loads(on_node(node, "cat", CONFLIST))["plugins"]]


def network(node, *names):
    """The node's list for pods from now on; ours comes behind it by itself."""
    run(CLUSTER, "network", node, *names)
    until("repair", lambda: plugins(node) == [*names, "directfaas-cni"], 10)


def renew(*names):
    for name in names:
        kubectl("-n", "shop", "rollout", "restart", "deployment/" + name)
    for name in names:
        kubectl("-n", "shop", "rollout", "status", "deployment/" + name, "--timeout=60s")
        until(f"end of the old {name}", lambda name=name: len(pods(name)) == 1, 30)


def both_ways():
    """What may reach the pods of node2 does, by vIP and by pod address; what has no edge, to them or from
    them, stays refused."""
    said = all_ok(call("reviews", "ratings", 200), 200)
    all_ok(call("reviews", pods("ratings")[0]["status"]["podIP"], 20), 20)
    refused("productpage", "ratings")
    refused("ratings", "details")
    return said


def portmap_and_firewall():
    """bridge, portmap and firewall; the last writes an iptables chain with rules for each pod."""
    network("node2", "bridge", "portmap", "firewall")
    renew("ratings")
    ip = pods("ratings")[0]["status"]["podIP"]
    rules = on_node("node2", "iptables", "-S", "CNI-FORWARD")
    expect(f"-s {ip}/32 -j ACCEPT" in rules, f"the firewall plugin has no rule for {ip}: {rules}")
    return both_ways()


def annotate(limits):
    """Of the pods that ratings' Deployment makes from now on; None takes an annotation away."""
    patch = {"spec": {"template": {"metadata": {"annotations": limits}}}}
    kubectl("-n", "shop", "patch", "deployment", "ratings", "--type=merge", "-p", json.dumps(patch))
    kubectl("-n", "shop", "rollout", "status", "deployment/ratings", "--timeout=60s")
    until("end of the old ratings", lambda: len(pods("ratings")) == 1, 30)


def shaped():
    """Bytes that went through the shapers of node2: towards the pod, and from it."""
    shown = on_node("node2", "tc", "-s", "qdisc", "show")
    sent = re.findall(r"qdisc tbf \S+ dev (\S+) root.*\n Sent (\d+) bytes", shown)
    towards = sum(int(bytes_) for device, bytes_ in sent if device.startswith("veth"))
    away = sum(int(bytes_) for device, bytes_ in sent if not device.startswith("veth"))
    return towards, away


def bandwidth():
    """Calls of a pod that is limited go through its shapers, both ways, and are judged as others."""
    network("node2", "ptp", "portmap", "bandwidth")
    annotate({"kubernetes.io/ingress-bandwidth": RATE, "kubernetes.io/egress-bandwidth": RATE})
    before = shaped()
    said = both_ways()
    grown = [now - then for now, then in zip(shaped(), before)]
    least = 220 * 4 * 66  # of each request at least four packets either way
    expect(min(grown) > least, f"220 requests sent {grown} bytes through the shapers")
    return f"{said}, {grown[0]} and {grown[1]} bytes shaped"


def back_to_ptp():
    network("node2", "ptp", "portmap")
    annotate({"kubernetes.io/ingress-bandwidth": None, "kubernetes.io/egress-bandwidth": None})
    return both_ways()


class Dropped:
    """A rule as a CNI writes one for a NetworkPolicy: what is forwarded to the app's pod is dropped."""

    def __init__(self, node, app):
        self.node = node
        self.rule = ["FORWARD", "-d", pods(app)[0]["status"]["podIP"], "-p", "tcp", "--syn", "-j", "DROP"]

    def __enter__(self):
        on_node(self.node, "iptables", "-I", *self.rule)
        return self

    def __exit__(self, *_):
        on_node(self.node, "iptables", "-D", *self.rule)

    def packets(self):
        shown = on_node(self.node, "iptables", "-nvxL", "FORWARD")
        return next(int(line.split()[0]) for line in shown.splitlines() if self.rule[2] in line)


def never_arrives(source, target, rule):
    seen = call(source, target, 3, timeout_ms=600)
    expect(seen["timeout"] == seen["sent"] == 3, f"{source} → {target} in spite of a rule on {rule.node}: {seen}")
    expect(rule.packets() >= 3, f"the rule on {rule.node} has seen {rule.packets()} packets")


def rules_across_nodes():
    """On the callee's node and on the caller's: a call to another node passes the stack of both."""
    for node in fast_path.NODES:
        with Dropped(node, "ratings") as rule:
            never_arrives("reviews", "ratings", rule)
            never_arrives("reviews", pods("ratings")[0]["status"]["podIP"], rule)
        all_ok(call("reviews", "ratings", 20), 20)


def rules_of_a_policy_on_one_node():
    """A NetworkPolicy keeps the pod off the fast path, so that a CNI's rules for it see its packets."""
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "reviews", "namespace": "shop"},
        "spec": {"podSelector": {"matchLabels": {"app": "reviews"}}, "ingress": []},
    }
    apply(json.dumps(policy))
    until("pod that its policy keeps on the stack", lambda: any("NetworkPolicy" in why for why in fast_path.obstacles()), 10)
    with Dropped("node1", "reviews") as rule:
        never_arrives("productpage", "reviews", rule)
    all_ok(call("productpage", "reviews", 20), 20)
    kubectl("-n", "shop", "delete", "networkpolicy", "reviews")
    until("fast path for it again", lambda: not any("NetworkPolicy" in why for why in fast_path.obstacles()), 10)


CASES = [
    ("cni.bridge-portmap-firewall", portmap_and_firewall, False),
    ("cni.bandwidth", bandwidth, False),
    ("cni.back-to-ptp", back_to_ptp, False),
    ("netfilter.rules-across-nodes", rules_across_nodes, False),
    ("netfilter.rules-of-a-policy-on-one-node", rules_of_a_policy_on_one_node, False),
]
