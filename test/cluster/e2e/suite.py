#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""DirectFaaS on a real cluster, end to end: suite.py BUILD_DIR WORK_DIR RESULTS.xml [core|ovs]

Images are made of BUILD_DIR/bin. The cluster stays up if KEEP is set, else it is taken down and what
it left, if anything, is a failure."""

import os
import sys
from pathlib import Path

import nginx
import order
import ovs
import plugin
import readme
import upgrade
from harness import CLUSTER, TOP, Failed, Report, expect, kubectl, run


def images(build, work, every):
    """Archives of the image and the application; with `every`, of what only the long cases use, too."""
    work.mkdir(parents=True, exist_ok=True)
    run(str(TOP / "deploy/image/build"), "--build", build, "--out", str(work), timeout=1800)
    demo = str(work / "bookinfo.tar")
    run(
        str(TOP / "deploy/image/pack"), "--name", "localhost/bookinfo:test", "--out", demo, "--user", "65534",
        "--program", f"{build}/bin/bookinfo=/usr/bin/bookinfo", "--entrypoint", "/usr/bin/bookinfo",
    )  # fmt: skip
    archives = [str(work / "directfaas.tar"), demo]
    return [*archives, nginx.image(work), upgrade.image(build, work)] if every else archives


def up(archives):
    run(CLUSTER, "up", "--nodes", "2", timeout=1800)
    run(CLUSTER, "load", *archives)
    ready = kubectl("get", "nodes", "--no-headers").split("\n")[:-1]
    expect(len(ready) == 2 and all(" Ready " in line for line in ready), f"nodes: {ready}")
    return "two nodes, Kubernetes " + ready[0].split()[-1]


def down():
    run(CLUSTER, "down")
    left = [str(path) for path in Path("/sys/fs/cgroup").glob("*/directfaas-cluster")]
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes()
        except OSError:
            continue
        if b"directfaas-cluster" in words and int(entry.parent.name) != os.getpid():
            left.append(words.replace(b"\0", b" ").decode())
    left += [line for line in Path("/proc/self/mounts").read_text().splitlines() if "directfaas-cluster" in line]
    expect(not left, f"left behind: {left}")


def main():
    build, work, xml = sys.argv[1:4]
    which = sys.argv[4] if len(sys.argv) > 4 else "all"
    chosen = {"all": order.ALL + readme.all_cases(build, work), "core": order.CORE, "ovs": ovs.all_cases(build)}[which]
    report = Report(xml)
    plugin.install(Path(build).resolve(), Path(work))
    archives = []
    report.case("image.is-built", lambda: archives.extend(images(build, Path(work), which == "all")), needed=True)
    report.case("cluster.nodes-ready", lambda: up(archives), needed=True)
    for name, function, needed in chosen:
        report.case(name, function, needed)
    if "KEEP" not in os.environ:
        report.broken = None
        report.case("cluster.leaves-nothing", down)
    print(f"{report.passed} passed, {report.failed} failed")
    sys.exit(report.failed != 0)


if __name__ == "__main__":
    try:
        main()
    except Failed as failed:
        sys.exit(str(failed))
