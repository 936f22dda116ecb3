# SPDX-License-Identifier: Apache-2.0
"""The application as Deployments, calls inside its pods, and what the agents say about them."""

import json
import os
import re
import signal
import subprocess
import time
import uuid
from contextlib import contextmanager

from harness import CLUSTER, TOP, Failed, after_failure, apply, expect, kubectl, objects, on_node, processes, run, until

VIPS = {"productpage": "10.96.100.1", "details": "10.96.100.2", "reviews": "10.96.100.3", "ratings": "10.96.100.4"}
VIPS6 = {name: f"fd00:10:96::640{n}" for n, name in enumerate(VIPS, 1)}
CALLS = {"productpage": "details,reviews", "reviews": "ratings"}
PLACES = {"productpage": "node1", "reviews": "node1", "ratings": "node2", "gateway": "node1"}
MANIFESTS = TOP / "test/cluster/manifests"
SYSTEM = "directfaas-system"
METRICS = "http://127.0.0.1:9467/metrics"  # of a node's agent, there


def place_of(app):
    """Namespace and name: "market/details", or "details" alone, which is the shop's."""
    namespace, _, name = app.rpartition("/")
    return namespace or "shop", name


def pod_spec(arguments, node=None, serves=True):
    container = {
        "name": "function",
        "image": "localhost/bookinfo:test",
        "args": arguments,
        "ports": [{"name": "http", "containerPort": 9080}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    if serves:
        container["readinessProbe"] = {"httpGet": {"path": "/ping", "port": 9080}, "periodSeconds": 1}
    spec = {
        "containers": [container],
        "terminationGracePeriodSeconds": 5,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "hostAliases": [{"ip": ip, "hostnames": [name]} for name, ip in VIPS.items()],
    }
    if node:
        spec["nodeSelector"] = {"kubernetes.io/hostname": node}
    return spec


def deployment(name):
    if name == "gateway":
        arguments = ["gateway", "productpage:9080", "--port", "9080"]
    else:
        arguments = ["serve", name, "--port", "9080"] + (["--calls", CALLS[name]] if name in CALLS else [])
    spec = pod_spec(arguments, PLACES.get(name), serves=name != "gateway")
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": spec},
        },
    }


def deploy():
    apply((MANIFESTS / "bookinfo.yaml").read_text())
    for name in [*VIPS, "gateway"]:
        apply(json.dumps(deployment(name)))
    for name in [*VIPS, "gateway"]:
        kubectl("-n", "shop", "rollout", "status", f"deployment/{name}", "--timeout=90s")


def pods(app):
    namespace, name = place_of(app)
    found = objects("pods", "-n", namespace, "-l", f"app={name}")
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def tally(text):
    """The last line of `bookinfo call`, as numbers."""
    lines = [line for line in text.splitlines() if line.startswith("sent=")]
    expect(lines, f"the caller printed no tally: {text!r}")
    return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)(?= |$)", lines[-1])} | {
        "by": lines[-1].rsplit("by=", 1)[1]
    }


def call_words(app, target, *options):
    pod = pods(app)[0]["metadata"]["name"]
    return ["-n", place_of(app)[0], "exec", pod, "--", "/usr/bin/bookinfo", "call", target, "--port", "9080", *options]


def call(app, target, count, path="/ping", timeout_ms=5000):
    """`count` requests of app's first pod to a name or address."""
    words = call_words(app, target, "--path", path, "--count", str(count), "--timeout-ms", str(timeout_ms))
    return tally(run(CLUSTER, "kubectl", *words, check=False).stdout)


def without_apiserver(app, words):
    """The same program in the same container, started by the node's containerd."""
    pod = pods(app)[0]
    container = pod["status"]["containerStatuses"][0]["containerID"].split("//")[1]
    program = words[words.index("--") + 1 :]
    return ["exec", pod["spec"]["nodeName"], "ctr", "-n", "k8s.io", "tasks", "exec", "--exec-id", uuid.uuid4().hex, container, *program]


class Load:
    """Requests of one pod to a function, without a pause between, until stop(). kubectl exec ends with the
    apiserver that it goes through: `apart` does not. With `keep` all go over one connection, and end with it.
    A case that fails ends them all."""

    running = set()

    def __init__(self, app, target, rate=200, apart=False, keep=False):
        self.mark = f"/ping?load={uuid.uuid4().hex}"
        options = ["--path", self.mark, "--count", "0", "--rate", str(rate), "--timeout-ms", "5000"] + ["--keep"] * keep
        words = call_words(app, target, *options)
        words = without_apiserver(app, words) if apart else ["kubectl", *words]
        self.process = subprocess.Popen([CLUSTER, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.running.add(self)
        until("load generator", self.pid, 10)

    def pid(self):
        """Of the caller, as this machine numbers it: kubectl exec passes no signals."""
        if self.process.poll() is not None:
            raise Failed(f"the load generator ended: {self.process.communicate()}")
        return next(iter(processes("/usr/bin/bookinfo", self.mark)), None)

    def stop(self):
        """Ends the load and returns its tally."""
        pid = self.pid()
        if pid:
            os.kill(pid, signal.SIGTERM)
        return self.ends()

    def ends(self):
        """Waits for the load to end by itself and returns its tally."""
        out, _ = self.process.communicate(timeout=30)
        self.running.discard(self)
        return tally(out)

    @classmethod
    def end_all(cls):
        for pid in processes("/usr/bin/bookinfo", "/ping?load="):
            os.kill(pid, signal.SIGTERM)
        for load in cls.running:
            load.process.kill()
        cls.running.clear()


after_failure.append(Load.end_all)


def all_ok(seen, least=1):
    expect(seen["ok"] == seen["sent"] and seen["sent"] >= least, f"not every request was answered: {seen}")
    return f"{seen['sent']} requests, all answered"


def all_refused(seen):
    expect(seen["refused"] == seen["sent"] > 0, f"not every request was refused: {seen}")


def refused(source, target):
    began = time.monotonic()
    all_refused(call(source, target, 20))
    took = time.monotonic() - began
    expect(took < 5, f"20 refusals took {took:.1f} s: they are not prompt")


def agents():
    """Node → name of its agent's pod."""
    found = objects("pods", "-n", SYSTEM, "-l", "app.kubernetes.io/component=agent")
    return {
        pod["spec"]["nodeName"]: pod["metadata"]["name"]
        for pod in found
        if "deletionTimestamp" not in pod["metadata"]
    }


def dfctl(node, *words):
    text = kubectl("-n", SYSTEM, "exec", agents()[node], "-c", "agent", "--", "/usr/bin/dfctl", "-o", "json", *words)
    return json.loads(text)


def edges():
    """(from, to) → connections opened, over all nodes."""
    opened = {}
    for node in agents():
        for edge in dfctl(node, "edges")["edges"]:
            key = edge["from"], edge["to"]
            opened[key] = opened.get(key, 0) + edge["opened"]
    return opened


def drops():
    """(node, reason, hook) → packets that ended in the switch there."""
    found = {}
    for node in agents():
        text = on_node(node, "curl", "-sS", "-m", "5", METRICS)
        for labels, count in re.findall(r"^directfaas_packets_by_reason_total\{(.*)\} (\d+)", text, re.MULTILINE):
            label = dict(re.findall(r'(\w+)="([^"]*)"', labels))
            if label["class"] == "drop":
                found[node, label["reason"], label["hook"]] = int(count)
    return found


@contextmanager
def nothing_dropped(*allowed):
    """The switches end no packet in what is done under this, whatever becomes of their agents; but for some reasons."""
    before = drops()
    expect(before, "no agent tells of packets by reason")
    yield
    seen = {place: count for place, count in grown(before, drops()).items() if place[1] not in allowed}
    expect(not seen, f"packets were dropped: {seen}")


def open_between(source, target):
    """Connections that are open now, over all nodes."""
    found = (edge for node in agents() for edge in dfctl(node, "edges")["edges"])
    return sum(edge["open"] for edge in found if (edge["from"], edge["to"]) == (source, target))


def grown(before, now):
    """Of two answers of edges(): the edges that were used in between, and how often."""
    return {edge: count - before.get(edge, 0) for edge, count in now.items() if count != before.get(edge, 0)}

