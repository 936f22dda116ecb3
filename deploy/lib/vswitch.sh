# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # variables of world.sh and deploy/demo
# The demo's Open vSwitch: ovsdb-server and ovs-vswitchd of its own in the node's namespace, with the
# userspace datapath and one bridge that the pods hang on. The system's service is not involved.
bridge=br-directfaas
ovs_dir=$state/ovs
bridge_mac=ee:ee:ee:ee:ee:ee

ovs() { in_node env OVS_RUNDIR="$ovs_dir" "$@"; }
ovs_vsctl() { ovs ovs-vsctl --db="unix:$ovs_dir/db.sock" --timeout=20 "$@"; }

start_vswitch() {
    mkdir -p "$ovs_dir"
    ovsdb-tool create "$ovs_dir/conf.db" /usr/share/openvswitch/vswitch.ovsschema
    start_in_node ovsdb-server env OVS_RUNDIR="$ovs_dir" ovsdb-server "$ovs_dir/conf.db" \
        --remote="punix:$ovs_dir/db.sock" --pidfile="$ovs_dir/ovsdb-server.pid"
    until_true 10 ovs_vsctl --no-wait init 2>/dev/null || die "ovsdb-server does not start"
    start_in_node ovs-vswitchd env OVS_RUNDIR="$ovs_dir" ovs-vswitchd "unix:$ovs_dir/db.sock" \
        --pidfile="$ovs_dir/ovs-vswitchd.pid"
    ovs_vsctl add-br "$bridge" -- set bridge "$bridge" datapath_type=netdev \
        other_config:hwaddr="$bridge_mac" || die "ovs-vswitchd does not start"
    ip -n "$node" addr add 169.254.1.1/32 dev "$bridge"
    ip -n "$node" addr add fe80::1/64 dev "$bridge" nodad
    ip -n "$node" link set "$bridge" up
}

# The pod's device completes no checksums and cuts no segments: in userspace nobody would. The kernel
# sees the port's packets, too, and must not answer for the bridge.
join_vswitch() { # POD LINK
    in_pod "$1" ethtool -K eth0 tx off >/dev/null
    ovs_vsctl add-port "$bridge" "$2"
    in_node sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1"
    ip -n "$node" link set "$2" arp off up
    ip -n "$node" route add "${ip4[$1]}/32" dev "$bridge"
    ip -n "$node" -6 route add "${ip6[$1]}/128" dev "$bridge"
}
