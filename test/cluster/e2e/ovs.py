# SPDX-License-Identifier: Apache-2.0
"""The core of the cases with Open vSwitch as the nodes' switch: directfaas-ovs is the main CNI plugin,
the agents run with --backend=ovs, and no kube-proxy stands in for them."""

import cases
import life
from bookinfo import VIPS, all_ok, call, deploy, nothing_dropped, pods
from harness import CLUSTER, expect, kubectl, on_node, run

NODES = cases.NODES


def nodes_hang_on_it(build):
    for node in NODES:
        run(CLUSTER, "exec", node, "install", f"{build}/bin/directfaas-ovs", "/opt/cni/bin/")
        run(CLUSTER, "network", node, "directfaas-ovs")
    cases.proxy("off")


def installs():
    # Its tracker counts a closed connection as open for some time: draining takes all of the time it has.
    settings = "apiserver.host=172.30.0.1,agent.backend=ovs,uninstall.drain=20s"
    cases.helm("install", "directfaas", cases.CHART, "--create-namespace", "--set", settings, "--wait")
    cases.chain_is_taken()
    # No route names the port of a pod from before: only the chained plugin tells it to the agent.
    for name in [*VIPS, "gateway"]:
        kubectl("-n", "shop", "rollout", "restart", "deployment/" + name)
    for name in [*VIPS, "gateway"]:
        kubectl("-n", "shop", "rollout", "status", "deployment/" + name, "--timeout=90s")
    cases.adopted()


def ours(node):
    """Flows with our cookies, of all tables."""
    flows = on_node(node, "ovs-ofctl", "-OOpenFlow15", "dump-flows", "br-directfaas")
    return flows.count("cookie=0xdf")


def uninstalls():
    expect(all(ours(node) > 50 for node in NODES), "there were no flows before")
    cases.helm("uninstall", "directfaas", "--timeout", "3m")
    left = {node: ours(node) for node in NODES}
    expect(not any(left.values()), f"flows left: {left}")
    all_ok(call("productpage", pods("details")[0]["status"]["podIP"], 20), 20)


def renewed():
    """Pods that are made and taken away while others call them."""
    said = life.renewed_under_load()
    ports = {node: on_node(node, "ovs-vsctl", "list-ports", "br-directfaas").split() for node in NODES}
    count = sum(len(of) for of in ports.values())
    running = len(kubectl("get", "pods", "-A", "--no-headers", "--field-selector=spec.hostNetwork!=true").splitlines())
    expect(count == running, f"{count} ports for {running} pods: {ports}")
    return said


# docs/ovs.md: the last packets of a connection whose instance has gone.
dropless = nothing_dropped("endpoint_gone")


def all_cases(build):
    return [
        ("ovs.nodes-hang-on-it", lambda: nodes_hang_on_it(build), True),
        ("app.runs-before-the-agent", deploy, True),
        ("install.helm-with-ovs", installs, True),
        ("chain.is-programmed", cases.chain_is_programmed, False),
        ("call.page-through-gateway", cases.page, False),
        ("call.allowed", cases.allowed, False),
        ("call.denied-refused-promptly", cases.denied, False),
        ("call.denied-by-pod-address", cases.denied_by_pod_ip, False),
        ("count.equals-calls", cases.counted, False),
        ("chain.edited", cases.chain_edited, False),
        ("cni.newborn-is-enforced", cases.newborn_is_enforced, False),
        ("life.renewed-under-load", dropless(renewed), False),
        ("life.scale-1-3-1-under-load", dropless(life.scaled_under_load), False),
        ("life.agents-deleted-under-load", dropless(life.agents_deleted_under_load), False),
        ("life.rollout-under-load", dropless(life.restarted_under_load), False),
        ("uninstall.helm", uninstalls, False),
    ]
