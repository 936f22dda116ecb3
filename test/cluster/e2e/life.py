# SPDX-License-Identifier: Apache-2.0
"""Instances and agents come and go under load: every request is answered."""

import os
import signal
from pathlib import Path

from bookinfo import SYSTEM, Load, agents, all_ok, dfctl, pods
from harness import STATE, expect, kubectl, objects, processes, until

APISERVER = str(STATE / "bin/kube-apiserver")


def scale(count):
    kubectl("-n", "shop", "scale", "deployment/details", f"--replicas={count}")
    kubectl("-n", "shop", "rollout", "status", "deployment/details", "--timeout=60s")
    until(f"{count} instances", lambda: len(pods("details")) == count, 60)
    until("pods that have ended", lambda: len(objects("pods", "-n", "shop", "-l", "app=details")) == count, 60)


def scaled_under_load():
    load = Load("productpage", "details")
    scale(3)
    scale(1)
    return all_ok(load.stop(), 500)


def drained_under_load():
    """kubectl drain evicts the instances of a node, and new ones start on the other."""
    load = Load("productpage", "details")
    scale(3)
    kubectl("drain", "node2", "--ignore-daemonsets", "--pod-selector=app=details", "--timeout=90s")
    places = {pod["spec"]["nodeName"] for pod in pods("details")}
    kubectl("uncordon", "node2")
    scale(1)
    expect(places == {"node1"}, f"instances after the drain of node2 are on {places}")
    return all_ok(load.stop(), 500)


def agents_deleted_under_load():
    load = Load("productpage", "details")
    old = agents()
    for node, pod in old.items():
        kubectl("-n", SYSTEM, "delete", "pod", pod)
        until(f"a new agent on {node}", lambda: agents().get(node, old[node]) != old[node], 60)
        kubectl("-n", SYSTEM, "wait", "--for=condition=Ready", "pod/" + agents()[node], "--timeout=60s")
    return all_ok(load.stop(), 500)


def restarted_under_load():
    load = Load("productpage", "details")
    kubectl("-n", SYSTEM, "rollout", "restart", "daemonset/directfaas-agent")
    kubectl("-n", SYSTEM, "rollout", "status", "daemonset/directfaas-agent", "--timeout=120s")
    return all_ok(load.stop(), 300)


def apiserver_stopped():
    """Nobody can ask the apiserver for a while, and an agent is killed meanwhile."""
    load = Load("productpage", "details")
    (apiserver,) = processes(APISERVER)
    running = "/usr/bin/directfaas-agent", "--node-name=node1"
    (agent,) = processes(*running)
    waiting = int(Path(f"/proc/{apiserver}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(apiserver, signal.SIGSTOP)
    try:
        os.kill(agent, signal.SIGKILL)
        until("a new agent's process", lambda: set(processes(*running)) - {agent}, 60)
    finally:
        os.kill(apiserver, signal.SIGCONT)
        os.kill(waiting, signal.SIGCONT)  # nsenter stops with what it waits for
    until("an agent that is ready again", lambda: dfctl("node1", "status")["ready"], 90)
    return all_ok(load.stop(), 300)


def renewed_under_load():
    """New pods of the functions that are called."""
    load = Load("productpage", "details")
    for name in ("ratings", "details"):
        kubectl("-n", "shop", "rollout", "restart", "deployment/" + name)
        kubectl("-n", "shop", "rollout", "status", "deployment/" + name, "--timeout=60s")
    return all_ok(load.stop(), 300)
