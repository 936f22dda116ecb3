# SPDX-License-Identifier: Apache-2.0
"""The apiserver is away for a minute under load, and a pod ends meanwhile: nobody can be told of the
address of the one that takes its place. No call of the others is lost, and soon after the slice has
the new address the calls go there."""

import os
import signal
import time
from pathlib import Path

from bookinfo import Load, all_ok, call, refused
from harness import CLUSTER, kubectl, objects, processes, run, until

AWAY = 60


def instances_of_ratings():
    """reviews, which calls it, has its name among its words, too."""
    serving = {name: set(processes("/usr/bin/bookinfo", "serve", name)) for name in ("ratings", "reviews")}
    return serving["ratings"] - serving["reviews"]


def end_pod(process):
    """All that its containerd-shim started: the container, and what holds the pod's network."""
    shim = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1]
    for task in Path(f"/proc/{shim}/task").iterdir():
        for child in (task / "children").read_text().split():
            os.kill(int(child), signal.SIGKILL)


def ready_addresses(service):
    slices = objects("endpointslices", "-n", "shop", "-l", f"kubernetes.io/service-name={service}")
    found = [endpoint for one in slices for endpoint in one["endpoints"] or [] if endpoint["conditions"]["ready"]]
    return {address for endpoint in found for address in endpoint["addresses"]}


def apiserver_away():
    loads = [Load("productpage", target, apart=True) for target in ("details", "reviews")]
    (before,) = instances_of_ratings()
    addresses = ready_addresses("ratings")
    run(CLUSTER, "apiserver", "stop")
    began = time.monotonic()
    end_pod(before)
    until("another instance, started by its kubelet alone", lambda: instances_of_ratings() - {before}, AWAY)
    until("end of the minute", lambda: time.monotonic() - began > AWAY, AWAY + 1)
    run(CLUSTER, "apiserver", "start")
    back = time.monotonic()
    until("new addresses in the slices", lambda: (now := ready_addresses("ratings")) and now.isdisjoint(addresses), 120)
    known = time.monotonic()
    until("answer of the new instance", lambda: all_ok(call("reviews", "ratings", 5, timeout_ms=1000)), 30)
    used = time.monotonic()
    kubectl("wait", "--for=condition=Ready", "node", "--all", "--timeout=60s")
    refused("productpage", "ratings")
    lost = "; ".join(all_ok(load.stop(), 30 * AWAY) for load in loads)
    return f"new address in the slice {known - back:.1f} s after the return, in use {used - known:.1f} s later; {lost}"


CASES = [("outage.apiserver-away-for-a-minute", apiserver_away, False)]
