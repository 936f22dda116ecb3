# SPDX-License-Identifier: Apache-2.0
"""Agents of a version whose tables have another layout, and back to the former one, under load."""

import cases
from bookinfo import SYSTEM, Load, all_ok
from harness import TOP, expect, kubectl, on_node, run

TAG = "other-layout"
PROGRAMS = ["dfctl", "directfaas-cni-install", "directfaas-uninstall", "directfaas-controller", "directfaas-cni"]


def image(build, work):
    """The archive: as the image, but for the agent."""
    programs = work / TAG / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    for target, name in [(name, name) for name in PROGRAMS] + [("other-layout-agent", "directfaas-agent")]:
        (programs / name).unlink(missing_ok=True)
        (programs / name).symlink_to(f"{build}/bin/{target}")
    name = f"ghcr.io/directfaas/directfaas:{TAG}"
    run(str(TOP / "deploy/image/build"), "--build", str(programs.parent), "--name", name, "--out", str(programs.parent))
    return str(programs.parent / "directfaas.tar")


def layouts(node):
    return on_node(node, "ls", f"/sys/fs/bpf/directfaas/{node}").split()


def programs(node):
    """How often each of ours is on the interfaces of the node."""
    shown = on_node(node, "bpftool", "net", "show")
    return {name: shown.count(f" {name} ") for name in ("from_pod", "to_pod")}


def change(tag, layout):
    loads = [Load("productpage", "details"), Load("reviews", "ratings")]
    before = {node: programs(node) for node in cases.NODES}
    cases.helm("upgrade", "directfaas", cases.CHART, "--reuse-values", "--set", f"image.tag={tag}", "--wait")
    kubectl("-n", SYSTEM, "rollout", "status", "daemonset/directfaas-agent", "--timeout=120s")
    tallies = [load.stop() for load in loads]
    said = [all_ok(tally, 300) for tally in tallies]
    for node in cases.NODES:
        expect(layouts(node) == [layout], f"pins of {node} are in {layouts(node)}")
        expect(programs(node) == before[node], f"programs of {node}: {before[node]} before, {programs(node)} now")
    cases.denied()
    cases.counted()
    return ", ".join(said)


def to_another_layout():
    return change(TAG, "v2")


def back():
    return change("", "v1")


CASES = [
    ("upgrade.to-another-layout-under-load", to_another_layout, False),
    ("upgrade.back-under-load", back, False),
]
