# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # variables of cluster
# A node's Open vSwitch: userspace datapath, one bridge, sockets where a distribution has them.

ovs_vsctl() { enter "$1" ovs-vsctl --timeout=20 "${@:2}"; }

start_vswitch() {
    local dir=/run/openvswitch
    if enter "$1" test -e $dir/db.sock; then return; fi
    enter "$1" sh -ec "mkdir -p $dir
        ovsdb-tool create $dir/conf.db /usr/share/openvswitch/vswitch.ovsschema"
    start "$1" "$1-ovsdb" ovsdb-server "$dir/conf.db" --remote="punix:$dir/db.sock" --pidfile="$dir/ovsdb-server.pid"
    until_true 10 "database of Open vSwitch on $1" ovs_vsctl "$1" --no-wait init
    start "$1" "$1-vswitchd" ovs-vswitchd "unix:$dir/db.sock" --pidfile="$dir/ovs-vswitchd.pid"
    ovs_vsctl "$1" add-br br-directfaas -- set bridge br-directfaas datapath_type=netdev
    enter "$1" ip link set br-directfaas up
}
