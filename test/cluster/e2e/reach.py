# SPDX-License-Identifier: Apache-2.0
"""The ways to a function besides its IPv4 vIP: by name, by IPv6, from outside the cluster."""

import json

from bookinfo import VIPS, VIPS6, all_ok, call, edges, grown, pods, refused
from harness import CLUSTER, apply, expect, kubectl, run, until

NODE_ADDRESSES = ["172.30.0.11", "172.30.0.12"]
NODE_PORTS = {"productpage": 30080, "details": 30081}


def by_name():
    """By what a DNS server says, asked through its own Service, which is no function."""
    run(CLUSTER, "dns")
    until("an answer of the DNS server", lambda: all_ok(call("productpage", "details.shop", 1)), 20)
    all_ok(call("productpage", "details.shop.svc.cluster.local", 50), 50)
    all_ok(call("reviews", "ratings.shop.svc", 50), 50)
    refused("productpage", "ratings.shop")


def table_of_the_paper():
    """Table 1, on two nodes: from each function to each other's vIP, name and pod address."""
    wanted = {("gateway", "productpage"), ("productpage", "details"), ("productpage", "reviews"), ("reviews", "ratings")}
    ways = {name: [vip, name + ".shop.svc.cluster.local", pods(name)[0]["status"]["podIP"]] for name, vip in VIPS.items()}
    pairs = [(source, target) for source in ["gateway", *VIPS] for target in VIPS if source != target]
    for source, target in pairs:
        for way in ways[target]:
            seen = call(source, way, 30)
            became = "ok" if (source, target) in wanted else "refused"
            expect(seen[became] == seen["sent"] == 30, f"{source} to {target} by {way}, not all {became}: {seen}")
    return f"{len(pairs)} pairs, 3 ways each, 30 requests each way"


def by_ipv6():
    """The same chain over the other family: vIP, pod address, counts."""
    before = edges()
    all_ok(call("productpage", VIPS6["details"], 50), 50)
    all_ok(call("reviews", VIPS6["ratings"], 30), 30)
    refused("productpage", VIPS6["ratings"])
    ip = next(each["ip"] for each in pods("ratings")[0]["status"]["podIPs"] if ":" in each["ip"])
    refused("productpage", ip)
    all_ok(call("reviews", ip, 20))
    seen = grown(before, edges())
    wanted = {("shop/productpage", "shop/details"): 50, ("shop/reviews", "shop/ratings"): 50}
    expect(seen == wanted, f"calls over IPv6 were counted as {seen}")


def ask_from_outside(address, port):
    """From the control plane, which is no node: curl's exit status and what was answered."""
    done = run(CLUSTER, "exec", "control", "curl", "-sS", "-m", "5", f"http://{address}:{port}/ping", check=False)
    return done.returncode, done.stdout


def by_node_port():
    """kube-proxy leads from every node's port to an instance on any node. That opens an ingress
    function to the world, and an internal one to nobody."""
    for name, port in NODE_PORTS.items():
        ports = [{"port": 9080, "targetPort": 9080, "nodePort": port}]
        spec = {"type": "NodePort", "selector": {"app": name}, "ports": ports}
        apply(json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name + "-outside", "namespace": "shop"}, "spec": spec}))
    for address in NODE_ADDRESSES:
        open_port = NODE_PORTS["productpage"]
        until(f"answer at {address}", lambda a=address: ask_from_outside(a, open_port) == (0, "productpage"), 20)
        status, answer = ask_from_outside(address, NODE_PORTS["details"])
        expect(status == 7 and not answer, f"details by the node port of {address}: curl ended with {status}, {answer!r}")
    for name in NODE_PORTS:
        kubectl("-n", "shop", "delete", "service", name + "-outside")
