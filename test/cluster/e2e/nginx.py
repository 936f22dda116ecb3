# SPDX-License-Identifier: Apache-2.0
"""A real gateway: nginx with passwords, as an entry, calls the head of the chain through its vIP."""

import json

from bookinfo import edges, grown, pod_spec, pods
from harness import CLUSTER, TOP, apply, expect, kubectl, run, until

PROGRAM = "/usr/sbin/nginx"
ENTRY = "shop/nginx (entry)"
PASSWORD = "alice:correct horse"
SETTINGS = """
daemon off;
pid /tmp/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    server {
        listen 8080;
        auth_basic "the shop";
        auth_basic_user_file /etc/nginx/passwords;
        location / { proxy_pass http://productpage:9080; }
    }
}
"""


def image(work):
    """The archive: Debian's nginx with our settings and one user."""
    name, password = PASSWORD.split(":")
    (work / "nginx.conf").write_text(SETTINGS)
    hashed = run("openssl", "passwd", "-apr1", password).stdout
    (work / "passwords").write_text(f"{name}:{hashed}")
    archive = str(work / "nginx.tar")
    run(
        str(TOP / "deploy/image/pack"), "--name", "localhost/nginx:test", "--out", archive, "--user", "65534",
        "--program", f"{PROGRAM}={PROGRAM}", "--entrypoint", PROGRAM,
        "--file", f"{work}/nginx.conf=/etc/nginx/nginx.conf", "--file", f"{work}/passwords=/etc/nginx/passwords",
    )  # fmt: skip
    return archive


def entry(*words):
    """Makes nginx an entry of the chain, or takes it out."""
    chain = json.loads(kubectl("-n", "shop", "get", "functionchain", "bookinfo", "-o", "json"))
    entries = [each for each in chain["spec"]["entries"] if each["name"] != "nginx"]
    if "add" in words:
        entries.append({"name": "nginx", "selector": {"matchLabels": {"app": "nginx"}}})
    patch = {"spec": {"entries": entries}}
    kubectl("-n", "shop", "patch", "functionchain", "bookinfo", "--type=merge", "-p", json.dumps(patch))


def starts():
    entry("add")
    spec = pod_spec(["-e", "stderr"], "node2", serves=False)  # the head is on the other node
    (container,) = spec["containers"]
    container["image"] = "localhost/nginx:test"
    container["readinessProbe"] = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    container["volumeMounts"] = [{"name": "tmp", "mountPath": "/tmp"}]
    spec["volumes"] = [{"name": "tmp", "emptyDir": {}}]
    metadata = {"name": "nginx", "namespace": "shop", "labels": {"app": "nginx"}}
    apply(json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}))
    kubectl("-n", "shop", "wait", "--for=condition=Ready", "pod/nginx", "--timeout=60s")


def ask(path, *options):
    """From outside, as a user does: HTTP status and body."""
    url = f"http://{pods('nginx')[0]['status']['podIP']}:8080{path}"
    words = "curl", "-sS", "-m", "5", "-w", "\\n%{http_code}", *options, url
    body, _, status = run(CLUSTER, "exec", "control", *words).stdout.rpartition("\n")
    return int(status), body


def opened():
    return {edge: count for edge, count in edges().items() if edge[0] == ENTRY}


def asks_for_password():
    """Nobody without it reaches the chain; each request with it is one call of the entry's edge."""
    until("page", lambda: ask("/page", "-u", PASSWORD)[0] == 200, 10)
    before = opened()
    for options in [], ["-u", "alice:wrong"], ["-u", "mallory:correct horse"]:
        status, body = ask("/page", *options)
        expect(status == 401 and "productpage" not in body, f"{options}: {status} {body!r}")
    expect(opened() == before, f"refused users were counted: {before}, {opened()}")
    status, body = ask("/page?n=[1-31]", "-u", PASSWORD)  # curl asks 31 times
    expect(status == 200 and body.count("reviews(ratings)") == 31, f"with the password: {status} {body!r}")
    edge = ENTRY, "shop/productpage"
    seen = grown(before, opened())
    expect(seen == {edge: 31}, f"31 calls were counted as {seen}")


def goes():
    kubectl("-n", "shop", "delete", "pod", "nginx", "--now")
    entry("remove")


CASES = [
    ("gateway.nginx-starts", starts, False),
    ("gateway.nginx-asks-for-password", asks_for_password, False),
    ("gateway.nginx-goes", goes, False),
]
