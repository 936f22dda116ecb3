# SPDX-License-Identifier: Apache-2.0
"""README's table of figures: ours beside what a user would pick instead, all as multiples of plain pod to pod."""

BEGIN = "<!-- figures: written by bench/report from bench/results -->"
END = "<!-- end of the figures -->"

KEPT, NEW = "request and answer, kept connection", "connect, request, close"
HTTP_KEPT, HTTP_NEW = "HTTP, 1 connection, 200 B, v4, p50", "HTTP, a connection for each, 1 at a time, v4, p50"
CPU = "HTTP, 8 connections, 200 B, v4, CPU of a request"


def _kube_proxy(mode, way):
    """Columns of a way on a node with kube-proxy's rules, but for the CPU of a request, which is not measured there."""
    return [("scale", f"{kind}, p50, kube-proxy {mode}, {count} Services, {way} against plain without rules")
            for count in ("10", "10 000") for kind in (KEPT, NEW)] + [None]


def _gateway(name):
    return [("throughput", f"{HTTP_KEPT}, through {name} against plain"), ("connections", f"{HTTP_NEW}, through {name} against plain"),
            None, None, ("throughput", f"{CPU}, through {name} against plain")]


def _switch(path):
    with_rules = _kube_proxy("nftables", f"vIP by the {path} path")[2:4]
    return [("latency", f"{kind}, v4, p50, vIP by the {path} path against plain") for kind in (KEPT, NEW)] + with_rules + [
        ("throughput", f"{CPU}, vIP by the {path} path against plain")]


def _ovs(benchmark, way):
    return [(benchmark, f"{kind}, v4, p50, {way} against plain") for kind in (KEPT, NEW)] + [None, None, None]


ROWS = [
    ("Service by kube-proxy, iptables", _kube_proxy("iptables", "its ClusterIP")),
    ("Service by kube-proxy, nftables", _kube_proxy("nftables", "its ClusterIP")),
    ("gateway, nginx", _gateway("nginx")),
    ("gateway, HAProxy", _gateway("haproxy")),
    ("**DirectFaaS, fast path**", _switch("fast")),
    ("**DirectFaaS, stack path**", _switch("stack")),
    ("**DirectFaaS on Open vSwitch, kernel datapath**", _ovs("latency_ovs_kernel", "in the guest, vIP over Open vSwitch, kernel datapath,")),
    ("**DirectFaaS on Open vSwitch, userspace datapath**", _ovs("latency", "vIP over Open vSwitch, userspace datapath,")),
]


def peers(results):
    """The lines of the table. A figure that was not measured is a dash."""
    ratios = {(name, m["metric"]): m["ratio"] for name, metrics in results.items() for m in metrics}
    lines = ["| a call goes by | request, answer | connect, request, close | the same two with 10 000 Services | | CPU of a request |",
             "| --- | ---: | ---: | ---: | ---: | ---: |"]
    for text, columns in ROWS:
        cells = [ratios.get(column) if column else None for column in columns]
        lines.append(f"| {text} | " + " | ".join("–" if c is None else f"{c:.2f} ×" for c in cells) + " |")
    return lines


def with_peers(readme, results):
    """README's text with the table as the results are now. ValueError if its place is not there."""
    head, _, rest = readme.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not end:
        raise ValueError(f"no place for the table: write the lines {BEGIN!r} and {END!r}")
    return f"{head}{BEGIN}\n" + "\n".join(peers(results)) + f"\n{END}{tail}"
