# SPDX-License-Identifier: Apache-2.0
"""Two tenants whose functions have the same names: each has its own chain, neither reaches the other."""

import json

from bookinfo import VIPS, VIPS6, all_ok, call, deployment, dfctl, edges, grown, pods, refused
from harness import apply, expect, kubectl, until

MARKET = {"productpage": "10.96.101.1", "details": "10.96.101.2", "ratings": "10.96.101.4"}
MARKET6 = {"productpage": "fd00:10:96::6501", "details": "fd00:10:96::6502", "ratings": "fd00:10:96::6504"}
PLACES = {"productpage": "node2", "details": "node1", "ratings": "node1"}
NODES = ["node1", "node2"]


def service(name):
    spec = {
        "ipFamilyPolicy": "RequireDualStack",
        "clusterIP": MARKET[name],
        "clusterIPs": [MARKET[name], MARKET6[name]],
        "selector": {"app": name},
        "ports": [{"name": "http", "port": 9080, "targetPort": 9080}],
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "market"}, "spec": spec}


def workload(name):
    """The shop's Deployment of that name, in the other namespace and with its addresses."""
    made = deployment(name)
    made["metadata"]["namespace"] = "market"
    spec = made["spec"]["template"]["spec"]
    spec["hostAliases"] = [{"ip": ip, "hostnames": [name]} for name, ip in MARKET.items()]
    spec["nodeSelector"] = {"kubernetes.io/hostname": PLACES[name]}
    return made


def chain():
    """Its only edge is one that the shop's chain does not have."""
    functions = [{"name": "productpage", "exposure": "Ingress"}, {"name": "details"}, {"name": "ratings"}]
    return {
        "apiVersion": "directfaas.io/v1alpha1",
        "kind": "FunctionChain",
        "metadata": {"name": "bookinfo", "namespace": "market"},
        "spec": {"functions": functions, "edges": [{"from": "productpage", "to": "ratings"}]},
    }


def second_tenant():
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    apply(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "market", "labels": labels}}))
    for each in [chain(), *map(service, MARKET), *map(workload, MARKET)]:
        apply(json.dumps(each))
    for name in MARKET:
        kubectl("-n", "market", "rollout", "status", "deployment/" + name, "--timeout=90s")
    for node in NODES:
        until("functions of both on " + node, lambda: len(dfctl(node, "status")["functions"]) == 7, 20)


def each_has_its_chain():
    all_ok(call("market/productpage", "ratings", 50), 50)
    refused("market/productpage", "details")
    all_ok(call("productpage", "details", 50), 50)
    refused("productpage", "ratings")


def addresses(app):
    """Of the app's pod, both families."""
    return [each["ip"] for each in pods(app)[0]["status"]["podIPs"]]


def neither_reaches_the_other():
    """By vIP and by pod address, on one node and across nodes; an ingress function is no way in either."""
    tried = 0
    for source, targets in {
        "productpage": [*MARKET.values(), *MARKET6.values(), *(ip for name in MARKET for ip in addresses("market/" + name))],
        "market/productpage": [*VIPS.values(), *VIPS6.values(), *(ip for name in VIPS for ip in addresses(name))],
        "market/ratings": [VIPS["ratings"], *addresses("ratings")],
        "gateway": [MARKET["ratings"], *addresses("market/ratings")],  # an entry: no way to an internal function
    }.items():
        for target in targets:
            refused(source, target)
            tried += 1
    return f"{tried} ways, 20 requests each"


def counted_apart():
    before = edges()
    all_ok(call("market/productpage", "ratings", 43), 43)
    all_ok(call("reviews", "ratings", 19), 19)
    seen = grown(before, edges())
    wanted = {("market/productpage", "market/ratings"): 43, ("shop/reviews", "shop/ratings"): 19}
    expect(seen == wanted, f"43 calls of one tenant and 19 of the other were counted as {seen}")


def leaves():
    kubectl("delete", "namespace", "market", "--timeout=60s")
    for node in NODES:
        until("the shop's functions alone on " + node, lambda: len(dfctl(node, "status")["functions"]) == 4, 20)
    all_ok(call("productpage", "details", 20), 20)


CASES = [
    ("tenants.second-comes", second_tenant, False),
    ("tenants.each-has-its-chain", each_has_its_chain, False),
    ("tenants.neither-reaches-the-other", neither_reaches_the_other, False),
    ("tenants.counted-apart", counted_apart, False),
    ("tenants.second-leaves", leaves, False),
]
