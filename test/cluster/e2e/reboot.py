# SPDX-License-Identifier: Apache-2.0
"""A node loses its power and boots, and its agent comes late: the functions' new pods wait for it."""

import json

import fast_path
from bookinfo import SYSTEM, Load, agents, all_ok, call, dfctl, objects, pod_spec, pods, refused
from harness import CLUSTER, apply, expect, kubectl, on_node, processes, run, until

NODE = "node2"
ASIDE = "localhost/aside:test"
seen = {}  # what a later case compares with


def agent_image():
    words = "get", "daemonset", "directfaas-agent", "-o", "jsonpath={.spec.template.spec.containers[0].image}"
    return kubectl("-n", SYSTEM, *words)


def images(*words):
    on_node(NODE, "ctr", "-n", "k8s.io", "images", *words)


def pins():
    return on_node(NODE, "sh", "-c", "find /sys/fs/bpf/directfaas 2>/dev/null", check=False).split()


def ratings_run():
    """Whether an instance of it runs; reviews, which calls it, has its name among its words, too."""
    return len(processes("/usr/bin/bookinfo", "serve", "ratings")) > len(processes("/usr/bin/bookinfo", "serve", "reviews"))


def loses_power():
    """Calls of its functions fail from now on, no others."""
    all_ok(call("reviews", "ratings", 100), 100)
    seen["steady"] = Load("productpage", "reviews")  # both on the other node
    pinned = len(pins())
    images("tag", agent_image(), ASIDE)
    images("rm", agent_image())
    run(CLUSTER, "halt", NODE)
    expect(not ratings_run(), "a function of the node runs on")
    lost = call("reviews", "ratings", 3, timeout_ms=500)
    expect(lost["ok"] == 0, f"calls of what is gone: {lost}")
    return f"{pinned} pins gone with it"


def why_agent_waits():
    for pod in objects("pods", "-n", SYSTEM, "-l", "app.kubernetes.io/component=agent"):
        if pod["spec"]["nodeName"] == NODE and "deletionTimestamp" not in pod["metadata"]:
            states = [state for kind in ("initContainerStatuses", "containerStatuses") for state in pod["status"].get(kind, [])]
            return {state["state"].get("waiting", {}).get("reason") for state in states}
    return set()


def messages():
    found = objects("events", "-n", "shop", "--field-selector", "reason=FailedCreatePodSandBox")
    return " ".join(event["message"] for event in found)


def bystander():
    """A pod of a namespace that does not wait."""
    spec = pod_spec(["serve", "bystander", "--port", "9080"], NODE)
    apply(json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bystander", "namespace": "default"}, "spec": spec}))
    kubectl("wait", "--for=condition=Ready", "pod/bystander", "--timeout=60s")
    kubectl("delete", "pod", "bystander", "--now")


def boots_without_agent():
    """Pods of the functions are not started, so that nobody reaches them unenforced; others are."""
    run(CLUSTER, "boot", NODE)
    expect(not pins(), f"pins after the boot: {pins()}")
    until("image that is missing", lambda: why_agent_waits() & {"ErrImagePull", "ImagePullBackOff"}, 60)
    until("pods of the functions that wait for the agent", lambda: "agent" in messages(), 60)
    bystander()
    expect(not ratings_run(), "a function runs, and no agent")
    tried = call("reviews", "ratings", 3, timeout_ms=500)
    expect(tried["ok"] == 0, f"calls without the callee's agent: {tried}")


def agent_comes():
    """The functions' pods start, enforced, with no help."""
    images("tag", ASIDE, agent_image())
    images("rm", ASIDE)
    if NODE in agents():  # its next try to find the image would be up to minutes away
        kubectl("-n", SYSTEM, "delete", "pod", agents()[NODE], "--now")
    kubectl("-n", SYSTEM, "rollout", "status", "daemonset/directfaas-agent", "--timeout=120s")
    until("agent that is ready", lambda: dfctl(NODE, "status")["ready"], 60)
    until("answer of what was gone", lambda: all_ok(call("reviews", "ratings", 20)), 120)
    said = all_ok(call("reviews", "ratings", 300), 300)
    refused("productpage", "ratings")
    refused("productpage", pods("ratings")[0]["status"]["podIP"])
    refused("ratings", "details")
    until("attachment of every pod there", attached, 30)
    fast_path.in_use()
    return said


def attached():
    here = {pod["metadata"]["name"] for pod in objects("pods", "-n", "shop", "--field-selector", f"spec.nodeName={NODE}")}
    return here == {at["pod"].split("/")[1] for at in dfctl(NODE, "status")["attachments"]}


def others_did_not_notice():
    return all_ok(seen.pop("steady").stop(), 1000)


CASES = [
    ("reboot.power-is-lost", loses_power, True),
    ("reboot.boots-without-agent", boots_without_agent, True),
    ("reboot.agent-comes", agent_comes, True),
    ("reboot.others-did-not-notice", others_did_not_notice, False),
]
