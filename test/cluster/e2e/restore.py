# SPDX-License-Identifier: Apache-2.0
"""etcd is put back to an earlier state: what was changed since is not in force any more, and no call
of an edge that stays is lost."""

import time

import cases
import life
from bookinfo import Load, all_ok, call
from harness import CLUSTER, kubectl, run, until


def storage_is_put_back():
    load = Load("productpage", "details", apart=True)
    run(CLUSTER, "etcd", "save")
    cases.edge("add")
    until("answer over the new edge", lambda: all_ok(call("productpage", "ratings", 20)), 10)
    run(CLUSTER, "etcd", "restore")
    began = time.monotonic()
    until("refusal without the edge", lambda: call("productpage", "ratings", 20)["refused"] == 20, 60)
    took = time.monotonic() - began
    kubectl("wait", "--for=condition=Ready", "node", "--all", "--timeout=60s")
    return f"the older rules after {took:.1f} s; {all_ok(load.stop(), 500)}"


def works_on():
    """Agents see what is changed later."""
    cases.chain_edited()
    life.renewed_under_load()


CASES = [
    ("restore.storage-is-put-back", storage_is_put_back, False),
    ("restore.works-on", works_on, False),
]
