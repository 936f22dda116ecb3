# SPDX-License-Identifier: Apache-2.0
"""The cases of the core: each finds the cluster as the one before left it (order.py)."""

import json
import time

import life
from bookinfo import (
    MANIFESTS, SYSTEM, VIPS, Load, agents, all_ok, all_refused, call, dfctl, edges, grown, nothing_dropped, open_between,
    pod_spec, pods, refused, tally,
)  # fmt: skip
from harness import CLUSTER, STATE, TOP, apply, expect, kubectl, objects, on_node, processes, run, until

CHART = str(TOP / "deploy/helm/directfaas")
NODES = ["node1", "node2"]
CONFLIST = "/etc/cni/net.d/10-test.conflist"
BINARIES = str(STATE / "bin") + "/"
kept = {}  # what a later case compares with


def node_state(node):
    """What an uninstalled node must have as before: CNI files, pins, files, interfaces, programs."""
    networks = json.loads(on_node(node, "cat", CONFLIST))  # the text may be laid out anew
    script = (
        "ls -A /etc/cni/net.d/; md5sum /opt/cni/bin/*; find /sys/fs/bpf -mindepth 1;"
        "find /run/directfaas -mindepth 1 -not -name agent.sock.lock 2>/dev/null;"
        "ip -o link show type veth | sed 's/^[0-9]*: //; s/@.*//' | grep '^df'; tc qdisc show | grep clsact;"
        "for veth in $(ip -o link show type veth | sed 's/^[0-9]*: //; s/@.*//'); do bpftool net show dev $veth; done | grep prog"
    )
    return json.dumps(networks, sort_keys=True) + on_node(node, "sh", "-c", script, check=False)


def proxy(mode):
    run(CLUSTER, "proxy", mode)
    running = len(processes(BINARIES + "kube-proxy"))
    expect(running == (0 if mode == "off" else len(NODES)), f"{running} kube-proxies run in mode {mode}")
    if mode == "off":  # docs/kubernetes.md, "Who takes kube-proxy away"
        for node in NODES:
            on_node(node, "conntrack", "-D", "-p", "tcp", "--state", "TIME_WAIT", check=False)  # 1: there was none


def works_beside_nftables():
    kept.update({node: node_state(node) for node in NODES})
    proxy("nftables")
    return until("answer through kube-proxy", lambda: all_ok(call("productpage", "details", 20)), 20)


def load_goes_on():
    kept["load"] = Load("productpage", "details")


def install_manifest():
    kubectl("apply", "-f", str(TOP / "deploy/install.yaml"))
    kubectl("-n", SYSTEM, "rollout", "status", "daemonset/directfaas-agent", "--timeout=120s")
    expect(sorted(agents()) == NODES, f"agents run on {sorted(agents())}")


def install_breaks_nothing():
    return all_ok(kept.pop("load").stop(), 100)


def chain_is_taken():
    kubectl("apply", "-f", str(MANIFESTS / "chain.yaml"))
    for node in NODES:
        until("functions on " + node, lambda: len(dfctl(node, "status")["functions"]) == 4, 20)


def adopted():
    def attached():
        found = {at["pod"].split("/")[1].split("-")[0] for node in NODES for at in dfctl(node, "status")["attachments"]}
        return found == {*VIPS, "gateway"}

    until("attachment of every pod", attached, 20)
    restarts = [pod["status"]["containerStatuses"][0]["restartCount"] for pod in objects("pods", "-n", "shop")]
    expect(sum(restarts) == 0, f"pods were restarted: {restarts}")


def page():
    seen = call("gateway", "127.0.0.1", 1, "/page")  # its own port: the gateway forwards
    expect(seen["ok"] == 1 and seen["by"] == "productpage(details,_reviews(ratings)):1", f"the page: {seen}")


def allowed():
    said = [all_ok(call(*edge, 100), 100) for edge in (("productpage", "details"), ("reviews", "ratings"))]
    return f"{len(said)} edges, 100 requests each"


def denied():
    refused("productpage", "ratings")
    refused("details", "reviews")
    refused("ratings", "details")


def denied_by_pod_ip():
    ip = pods("ratings")[0]["status"]["podIP"]
    refused("productpage", ip)
    all_ok(call("reviews", ip, 5))


def counted():
    before = edges()
    all_ok(call("productpage", "details", 137), 137)
    all_ok(call("reviews", "ratings", 59), 59)
    seen = grown(before, edges())
    expect(
        seen == {("shop/productpage", "shop/details"): 137, ("shop/reviews", "shop/ratings"): 59},
        f"137 calls of details and 59 of ratings were counted as {seen}",
    )


def edge(*words):
    """Adds or removes the edge productpage → ratings."""
    chain = json.loads(kubectl("-n", "shop", "get", "functionchain", "bookinfo", "-o", "json"))
    edges = [e for e in chain["spec"]["edges"] if e != {"from": "productpage", "to": "ratings"}]
    patch = {"spec": {"edges": edges + [{"from": "productpage", "to": "ratings"}] * ("add" in words)}}
    kubectl("-n", "shop", "patch", "functionchain", "bookinfo", "--type=merge", "-p", json.dumps(patch))


def chain_edited():
    edge("add")
    until("answer over the new edge", lambda: all_ok(call("productpage", "ratings", 20)), 10)
    talk = Load("productpage", "ratings", keep=True)
    until("kept connection", lambda: open_between("shop/productpage", "shop/ratings"), 10)
    edge("remove")
    seen = talk.ends()
    expect(seen["failed"] == 1 and seen["ok"] == seen["sent"] - 1 > 0, f"of the kept connection: {seen}")
    until("refusal without the edge", lambda: call("productpage", "ratings", 20)["refused"] == 20, 10)


def conditions():
    return {c["type"]: c["status"] for c in json.loads(
        kubectl("-n", "shop", "get", "functionchain", "bookinfo", "-o", "json")
    ).get("status", {}).get("conditions", [])}  # fmt: skip


def chain_is_programmed():
    wanted = {"Accepted": "True", "ResolvedRefs": "True", "Programmed": "True"}
    until(f"conditions {wanted}", lambda: wanted.items() <= conditions().items(), 30)
    return kubectl("-n", "shop", "get", "fchain", "--no-headers").strip()


def newborn(node, app, target):
    """What a pod of `app` says whose very first packets are 50 calls of `target`."""
    name = f"newborn-{app}-{node}"
    words = ["call", target, "--port", "9080", "--path", "/ping", "--count", "50", "--timeout-ms", "2000"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": app}},
        "spec": pod_spec(words, node, serves=False) | {"restartPolicy": "Never"},
    }
    apply(json.dumps(pod))
    ended = "Succeeded", "Failed"
    until("its end", lambda: kubectl("-n", "shop", "get", "pod", name, "-o", "jsonpath={.status.phase}") in ended)
    said = kubectl("-n", "shop", "logs", name)
    kubectl("-n", "shop", "delete", "pod", name, "--now")
    seen = tally(said)
    expect(seen["sent"] == 50, f"{name} made not 50 calls: {said}")
    return seen


def newborn_is_enforced():
    """A function without an edge calls as the first thing it does."""
    for node in NODES:
        all_refused(newborn(node, "details", "ratings"))


def newborn_calls_at_once():
    """The callee's node has not heard of the caller yet: of a function by its slice, of an entry by its pod."""
    for node in NODES:
        all_ok(newborn(node, "productpage", "details"), 50)
        all_ok(newborn(node, "gateway", "productpage"), 50)


def chained(node):
    plugins = json.loads(on_node(node, "cat", CONFLIST))["plugins"]
    return [plugin["type"] for plugin in plugins].count("directfaas-cni") == 1


def cni_is_chained_and_repaired():
    for node in NODES:
        expect(chained(node), f"{CONFLIST} of {node} does not name the plugin once, last")
        run(CLUSTER, "network", node, "ptp")
        began = time.monotonic()
        until("repair after the main plugin rewrote its file", lambda: chained(node), 10)
        took = time.monotonic() - began
        expect(took < 2, f"the repair took {took:.1f} s")


def works_beside_iptables():
    proxy("iptables")
    allowed()
    denied()


def works_without_proxy():
    proxy("off")
    said = allowed()
    denied()
    counted()
    return said


def as_before():
    for node in NODES:
        now = node_state(node)
        expect(now == kept[node], f"{node} was\n{kept[node]}\nbefore, and is\n{now}")


def uninstalled_by_manifest():
    proxy("nftables")
    loads = [Load("productpage", target) for target in ("details", "reviews")]  # reviews: on one node
    kubectl("apply", "-f", str(TOP / "deploy/uninstall.yaml"))
    kubectl("-n", SYSTEM, "wait", "--for=condition=Complete", "job/directfaas-uninstall", "--timeout=180s")
    as_before()
    kubectl("delete", "-f", str(TOP / "deploy/install.yaml"), "--timeout=120s")
    as_before()
    return ", ".join(all_ok(load.stop(), 100) for load in loads)


def helm(*words):
    return run(CLUSTER, "helm", *words, "--namespace", SYSTEM)


def has_bpffs(node):
    return on_node(node, "stat", "-f", "-c", "%T", "/sys/fs/bpf").strip() == "bpf_fs"


def helm_installs():
    """Without kube-proxy, and with one node that mounts no bpf file system."""
    proxy("off")
    on_node("node2", "umount", "/sys/fs/bpf")
    expect(not has_bpffs("node2"), "node2 has a second bpf file system below the one that was taken away")
    settings = "apiserver.host=172.30.0.1,cni.failNamespaces={shop},podNetworks={10.244.0.0/16,fd00:10:244::/48}"
    settings += ",mountBpffs=true"
    helm("install", "directfaas", CHART, "--create-namespace", "--set", settings, "--wait")
    expect(has_bpffs("node2"), "nobody has mounted node2's bpf file system")
    chain_is_taken()
    adopted()
    said = allowed()
    denied()
    return said


def helm_uninstalls():
    helm("uninstall", "directfaas", "--timeout", "3m")
    as_before()
    left = kubectl("get", "clusterrole,clusterrolebinding", "-o", "name")
    expect("directfaas" not in left, f"left: {left}")


def bridge():
    """node2's pods behind a bridge from now on: no route names a pod's interface, the plugin does."""
    run(CLUSTER, "network", "node2", "bridge")
    until("repair", lambda: chained("node2"), 10)
    with nothing_dropped():
        said = life.renewed_under_load()
        allowed()
    denied()
    with nothing_dropped():
        life.restarted_under_load()  # what the plugin told outlives the agent
    denied()
    run(CLUSTER, "network", "node2", "ptp")
    until("repair", lambda: chained("node2"), 10)
    life.renewed_under_load()  # a later case adopts: behind a bridge that is not possible
    return said
