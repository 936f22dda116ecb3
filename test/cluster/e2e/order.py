# SPDX-License-Identifier: Apache-2.0
"""All cases with the eBPF backend, in their order; True: the rest stands on it."""

import cases
import chained
import fast_path
import life
import nginx
import outage
import plugin
import reach
import reboot
import restore
import tenants
import upgrade
from bookinfo import deploy, nothing_dropped

dropless = nothing_dropped()

ALL = [
    ("app.runs-before-the-agent", deploy, True),
    ("proxy.nftables-answers", cases.works_beside_nftables, True),
    ("install.load-begins", cases.load_goes_on, True),
    ("install.manifest-is-ready", cases.install_manifest, True),
    ("chain.is-taken", cases.chain_is_taken, True),
    ("adopt.pods-from-before", cases.adopted, True),
    ("chain.is-programmed", cases.chain_is_programmed, False),
    ("install.breaks-no-request", cases.install_breaks_nothing, False),
    ("call.page-through-gateway", cases.page, False),
    ("call.allowed-beside-nftables", cases.allowed, False),
    ("call.denied-refused-promptly", cases.denied, False),
    ("call.denied-by-pod-address", cases.denied_by_pod_ip, False),
    ("count.equals-calls", cases.counted, False),
    ("call.by-dns-name", reach.by_name, False),
    ("call.table-of-the-paper", reach.table_of_the_paper, False),
    ("call.by-node-port", reach.by_node_port, False),
    ("plugin.status-and-check", plugin.status_and_check, False),
    ("plugin.sums-equal-calls", plugin.sums, False),
    ("plugin.explain-top-observe", plugin.explains_and_observes, False),
    ("plugin.leaves-nothing-in-pods", plugin.leaves_nothing, False),
    ("plugin.silent-node-is-named", plugin.silent_node, False),
    ("plugin.sysdump", plugin.sysdump, False),
    ("chain.edited", cases.chain_edited, False),
    *tenants.CASES,
    *nginx.CASES,
    *fast_path.CASES,
    ("cni.newborn-is-enforced", cases.newborn_is_enforced, False),
    ("cni.newborn-calls-at-once", cases.newborn_calls_at_once, False),
    ("cni.chained-and-repaired", cases.cni_is_chained_and_repaired, False),
    ("life.scale-1-3-1-under-load", dropless(life.scaled_under_load), False),
    ("life.node-drained-under-load", dropless(life.drained_under_load), False),
    ("life.agents-deleted-under-load", dropless(life.agents_deleted_under_load), False),
    ("life.rollout-under-load", dropless(life.restarted_under_load), False),
    ("cni.bridge", cases.bridge, False),
    *chained.CASES,
    ("life.apiserver-stopped-agent-killed", dropless(life.apiserver_stopped), False),
    *outage.CASES,
    *restore.CASES,
    ("proxy.iptables-beside", cases.works_beside_iptables, False),
    ("proxy.none", cases.works_without_proxy, False),
    ("uninstall.manifest-under-load", cases.uninstalled_by_manifest, True),
    ("install.helm-without-proxy", cases.helm_installs, True),
    ("call.over-ipv6", reach.by_ipv6, False),
    *upgrade.CASES,
    *reboot.CASES,
    ("uninstall.helm", cases.helm_uninstalls, False),
]

# What the default test/run leaves out: minutes, and not on the way from installing to uninstalling.
LONG = {
    "life.node-drained-under-load",
    "life.rollout-under-load",
    "cni.bridge",
    "proxy.none",
    "install.helm-without-proxy",
    "call.over-ipv6",
    "uninstall.helm",
    *(name for part in (tenants, nginx, chained, outage, restore, upgrade, reboot) for name, _, _ in part.CASES),
}
CORE = [case for case in ALL if case[0] not in LONG]
