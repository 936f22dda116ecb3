# SPDX-License-Identifier: Apache-2.0
"""`kubectl directfaas` on the cluster, with a kubectl in PATH that is the cluster's."""

import json
import os
import signal
import subprocess
import tarfile

from bookinfo import Load, all_ok, call, edges
from harness import CLUSTER, expect, processes, run, until

place = {}  # where kubectl and the plugin are


def install(build, work):
    """Makes a folder with kubectl and the plugin beside it."""
    folder = work / "plugin"
    folder.mkdir(parents=True, exist_ok=True)
    kubectl = folder / "kubectl"
    kubectl.write_text(f'#!/bin/sh\nexec {CLUSTER} kubectl "$@"\n')
    kubectl.chmod(0o755)
    (folder / "kubectl-directfaas").unlink(missing_ok=True)
    (folder / "kubectl-directfaas").symlink_to(build / "bin/dfctl")
    place["folder"], place["work"] = folder, work
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"


def ask(*words, status=0):
    """The plugin's answer as JSON, after its exit status was as expected."""
    done = run("kubectl-directfaas", "-o", "json", *words, check=False)
    expect(done.returncode == status, f"{words} ended with {done.returncode}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    return json.loads(done.stdout)


def status_and_check():
    answer = ask("status")
    expect([node["node"] for node in answer["nodes"]] == ["node1", "node2"], f"status: {answer}")
    expect(answer["failed"] == [] and all(node["ready"] for node in answer["nodes"]), f"status: {answer}")
    checked = ask("check")
    names = [check["name"] for check in checked["cluster"] if not check["ok"]]
    # Here they are no DaemonSets, so nothing tells which they are.
    expect(names == ["main CNI plugin", "service proxy"], f"checks of the cluster that failed: {names}")
    expect(all(len(node["checks"]) > 3 for node in checked["nodes"]), "a node's checks are missing")
    table = run("kubectl-directfaas", "status").stdout
    expect(len(table.split("\n")) >= 3 and "node2" in table, f"the table: {table}")


def opened(answer):
    return {(edge["from"], edge["to"]): edge["opened"] for edge in answer["edges"]}


def sums():
    edge = "shop/productpage", "shop/details"
    before = opened(ask("edges"))
    all_ok(call("productpage", "details", 41), 41)
    after = opened(ask("edges"))
    expect(after[edge] - before[edge] == 41, f"41 calls were counted as {after[edge] - before[edge]}")
    expect(after == edges(), f"{after} is not the sum of the nodes' answers")
    functions = {function["name"]: function for function in ask("functions")["functions"]}
    expect(functions["shop/details"]["opened"] == sum(n for (_, to), n in after.items() if to == "shop/details"),
           f"functions and edges differ: {functions['shop/details']}, {after}")  # fmt: skip
    expect(all(function["differs_on"] == [] for function in functions.values()), f"nodes differ: {functions}")
    expect("->" in run("kubectl-directfaas", "graph").stdout, "the graph has no edge")


def explains_and_observes():
    said = ask("explain", "productpage", "ratings", status=1)
    expect([node["node"] for node in said["nodes"]] == ["node1"], f"asked were {said}")
    observer = subprocess.Popen(
        ["kubectl-directfaas", "-o", "json", "observe", "-f", "--verdict", "refuse", "--limit", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until("observer", lambda: processes("/usr/bin/dfctl", "observe"), 20)
    until("refusal", lambda: call("productpage", "ratings", 5)["refused"] == 5, 10)
    out, err = observer.communicate(timeout=30)
    event = json.loads(out.split("\n")[0])
    expect((event["node"], event["reason"]) == ("node1", "no_edge"), f"observed: {event} {err}")
    load = Load("productpage", "details")
    done = run("kubectl-directfaas", "-o", "json", "top", "--count", "2")
    load.stop()
    sample = json.loads(done.stdout.strip().split("\n")[-1])
    (rate,) = [item["calls_per_second"] for item in sample["functions"] if item["name"] == "shop/details"]
    expect(rate > 1, f"under load details has {rate} calls a second")
    return f"{rate:.0f} calls a second"


def leaves_nothing():
    """An observer that is killed must not go on in the agents' pods."""
    observer = subprocess.Popen(["kubectl-directfaas", "observe", "-f"], stdout=subprocess.DEVNULL)
    until("observers on both nodes", lambda: len(processes("/usr/bin/dfctl", "observe")) == 2, 20)
    observer.kill()
    observer.wait()
    until("end of both", lambda: not processes("/usr/bin/dfctl", "observe"), 20)


def silent_node():
    (agent,) = processes("/usr/bin/directfaas-agent", "--node-name=node2")
    os.kill(agent, signal.SIGSTOP)
    try:
        answer = ask("edges", "--timeout", "4s", status=5)
    finally:
        os.kill(agent, signal.SIGCONT)
    expect(answer["nodes"] == ["node1"] and [node["node"] for node in answer["failed"]] == ["node2"], f"{answer}")
    until("answer of both", lambda: run("kubectl-directfaas", "status", check=False).returncode == 0, 30)
    return answer["failed"][0]["error"]


def sysdump():
    file = place["work"] / "sysdump.tar.gz"
    file.unlink(missing_ok=True)
    run("kubectl-directfaas", "sysdump", "--file", str(file))
    with tarfile.open(file) as archive:
        texts = {name.split("/", 1)[1]: archive.extractfile(name).read() for name in archive.getnames()}
    wanted = ["README.txt", "cluster/chains.yaml"]
    for node in ("node1", "node2"):
        wanted += [f"nodes/{node}/{name}" for name in (
            "agent/status.json", "agent/edges.json", "agent/metrics.txt", "agent/log.txt", "host/kernel.txt",
            "config/agent.toml", "host/pins.txt",
        )]  # fmt: skip
    missing = [name for name in wanted if name not in texts or texts[name].startswith(b"not read")]
    expect(not missing, f"missing: {missing}, there is {sorted(texts)}")
    expect(b"directfaas_connections_total" in texts["nodes/node2/agent/metrics.txt"], "no metrics of node2")
    failed = [name for name in texts if "failed" in name]
    expect(not failed, f"failed: {failed}")
    return f"{len(texts)} files, {file.stat().st_size} bytes"
