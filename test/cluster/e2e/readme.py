# SPDX-License-Identifier: Apache-2.0
"""README's commands for Kubernetes, each as it stands there, in a folder that looks like a checkout, by
a user whose kubectl, helm and ctr are the cluster's."""

import os
import re
from pathlib import Path

import cases
from bookinfo import Load, all_ok
from harness import CLUSTER, TOP, expect, kubectl, run

# `deploy/image/build` takes the programs that the suite was given; ctr runs on each node, whose root
# cannot bear another overlay.
SHIMS = {
    "deploy/image/build": '{top}/deploy/image/build --build {build} --out "$PWD/build/image"',
    "bin/kubectl": 'exec {cluster} kubectl "$@"',
    "bin/helm": 'exec {cluster} helm "$@"',
    "bin/ctr": "for node in node1 node2; do {cluster} exec $node env -C \"$PWD\" CONTAINERD_SNAPSHOTTER=native"
    ' /usr/bin/ctr "$@" || exit 1; done',
}  # fmt: skip


def block(after):
    """The first fenced block after a text."""
    found = re.search(re.escape(after) + r".*?^```\w*\n(.*?)^```$", (TOP / "README.md").read_text(), re.S | re.M)
    expect(found, f"README has no block after {after!r}")
    return found[1]


def commands(*programs):
    """The lines of the block about Kubernetes that begin with one of these."""
    lines = [line for line in block("On Kubernetes").splitlines() if line.startswith(programs)]
    expect(len(lines) == len(programs), f"README's commands by {programs}: {lines}")
    return lines


def checkout(build, folder):
    for name, command in SHIMS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n" + command.format(top=TOP, build=build, cluster=CLUSTER) + "\n")
        path.chmod(0o755)
    (folder / "deploy/helm").symlink_to(TOP / "deploy/helm")
    (folder / "chain.yaml").write_text(block("A chain says which function may call which"))


def type_in(folder, line):
    environment = ["env", "-C", str(folder), f"PATH={folder}/bin:{os.environ['PATH']}"]
    return run(*environment, "bash", "-ec", line, timeout=800).stdout


def all_cases(build, work):
    folder = Path(work).resolve() / "readme"

    def installs():
        cases.proxy("nftables")
        of_ours = [name for name in kubectl("get", "crd", "-o", "name").split() if name.endswith(".directfaas.io")]
        kubectl("delete", *of_ours)  # with all chains
        run("rm", "-rf", str(folder))
        checkout(Path(build).resolve(), folder)
        load = Load("productpage", "details")
        said = [type_in(folder, line) for line in commands("deploy/image/build", "ctr", "helm install", "kubectl apply")]
        expect("bookinfo" in said[-1], f"README's kubectl get printed {said[-1]!r}")
        cases.chain_is_programmed()
        cases.allowed()
        cases.denied()
        return all_ok(load.stop(), 100)

    def uninstalls():
        load = Load("productpage", "details")
        for line in commands("helm uninstall"):
            type_in(folder, line)
        cases.as_before()
        return all_ok(load.stop(), 100)

    return [("readme.install-and-chain", installs, False), ("readme.uninstall", uninstalls, False)]
