# SPDX-License-Identifier: Apache-2.0
"""What on a cluster decides whether calls may go past a node's stack."""

import json

from bookinfo import all_ok, call, dfctl
from harness import apply, kubectl, until

NODES = ["node1", "node2"]


def state(node):
    return dfctl(node, "status")["fast_path"]


def obstacles():
    return {at["why"] for node in NODES for at in state(node)["obstacles"]}


def in_use():
    until("fast path on all nodes", lambda: all(state(node)["off_because"] == "" for node in NODES), 20)


def network_policy():
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "details", "namespace": "shop"},
        "spec": {"podSelector": {"matchLabels": {"app": "details"}}, "ingress": [{}]},
    }
    apply(json.dumps(policy))
    until("pod that its policy keeps on the stack", lambda: any("NetworkPolicy" in why for why in obstacles()), 10)
    all_ok(call("productpage", "details", 20), 20)
    kubectl("-n", "shop", "delete", "networkpolicy", "details")
    until("fast path for it again", lambda: not any("NetworkPolicy" in why for why in obstacles()), 10)


def kinds_that_are_not_followed():
    """A kind of a CNI's own: the CRD is enough."""
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "globalnetworkpolicies.crd.projectcalico.org"},
        "spec": {
            "group": "crd.projectcalico.org",
            "names": {"kind": "GlobalNetworkPolicy", "plural": "globalnetworkpolicies"},
            "scope": "Cluster",
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
            ],
        },
    }
    apply(json.dumps(crd))
    reason = "crd.projectcalico.org"
    until("reason why it is off", lambda: all(reason in state(node)["off_because"] for node in NODES), 20)
    all_ok(call("productpage", "details", 20), 20)
    kubectl("delete", "crd", crd["metadata"]["name"])
    in_use()


CASES = [
    ("fast-path.in-use", in_use, False),
    ("fast-path.network-policy", network_policy, False),
    ("fast-path.other-kinds-of-policies", kinds_that_are_not_followed, False),
]
