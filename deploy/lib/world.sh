# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # backend, of deploy/demo
# The demo's machine: one network namespace as the node, one per pod behind a veth, as a CNI plugin
# would leave them. Everything carries the prefix dfdemo and can be removed without knowing more.
node=dfdemo-node
state=/run/directfaas-demo
manifests=$state/manifests
instance=demo
declare -A ip4 ip6 vip4

ip4=([gateway]=10.77.0.2 [productpage]=10.77.0.3 [details]=10.77.0.4 [reviews]=10.77.0.5
    [ratings]=10.77.0.6 [reviews-2]=10.77.0.7 [reviews-3]=10.77.0.8)
ip6=([gateway]=fd77::2 [productpage]=fd77::3 [details]=fd77::4 [reviews]=fd77::5
    [ratings]=fd77::6 [reviews-2]=fd77::7 [reviews-3]=fd77::8)
vip4=([productpage]=10.97.0.3 [details]=10.97.0.4 [reviews]=10.97.0.5 [ratings]=10.97.0.6)
pods=(gateway productpage details reviews ratings reviews-2 reviews-3)
functions=(productpage details reviews ratings)

in_node() { nsenter --net="/run/netns/$node" "$@"; }
# ip netns exec gives the pod its own /etc/hosts, so that programs call by name.
in_pod() {
    local pod=$1
    shift
    ip netns exec "dfdemo-$pod" "$@"
}

write_hosts() {
    local pod=$1 name
    mkdir -p "/etc/netns/dfdemo-$pod"
    {
        printf '127.0.0.1 localhost\n'
        for name in "${functions[@]}"; do printf '%s %s\n' "${vip4[$name]}" "$name"; done
        printf '%s gateway\n' "${ip4[gateway]}"
    } >"/etc/netns/dfdemo-$pod/hosts"
}

# Name of the host's end of a pod's veth.
link_of() { printf 'dfd-%s' "${1//productpage/page}"; }

add_pod() {
    local pod=$1 link
    link=$(link_of "$pod")
    ip netns add "dfdemo-$pod"
    write_hosts "$pod"
    ip -n "$node" link add "$link" type veth peer name eth0 netns "dfdemo-$pod"
    ip -n "dfdemo-$pod" link set lo up
    ip -n "dfdemo-$pod" addr add "${ip4[$pod]}/32" dev eth0
    ip -n "dfdemo-$pod" addr add "${ip6[$pod]}/128" dev eth0 nodad
    ip -n "dfdemo-$pod" link set eth0 up
    ip -n "dfdemo-$pod" route add 169.254.1.1 dev eth0 scope link
    ip -n "dfdemo-$pod" route add default via 169.254.1.1
    ip -n "dfdemo-$pod" -6 route add default via fe80::1 dev eth0
    if [ "$backend" = ovs ]; then join_vswitch "$pod" "$link"; else route_to_pod "$pod" "$link"; fi
}

route_to_pod() { # POD LINK
    ip -n "$node" addr add 169.254.1.1/32 dev "$2"
    ip -n "$node" addr add fe80::1/64 dev "$2" nodad
    ip -n "$node" link set "$2" up
    ip -n "$node" route add "${ip4[$1]}/32" dev "$2"
    ip -n "$node" -6 route add "${ip6[$1]}/128" dev "$2"
}

build_world() {
    local pod
    mkdir -p "$state/pids" "$manifests"
    ip netns add "$node"
    ip -n "$node" link set lo up
    in_node sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
        net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
    if [ "$backend" = ovs ]; then start_vswitch; fi
    for pod in "${pods[@]}"; do add_pod "$pod"; done
}

# start_in_pod NAME POD COMMAND..., start_in_node NAME COMMAND...: in the background, its pid under $state/pids and its output beside
# it. nsenter and ip replace themselves by the command, so the pid is the program's own.
start_in_pod() { start "$1" ip netns exec "dfdemo-$2" "${@:3}"; }
start_in_node() { start "$1" nsenter --net="/run/netns/$node" "${@:2}"; }
start() {
    local name=$1
    shift
    "$@" >>"$state/$name.log" 2>&1 </dev/null &
    printf '%s\n' "$!" >"$state/pids/$name"
}

# A zombie has ended: after Ctrl-C in a `read` bash collects its children only when asked.
has_ended() { ! grep -qs '^State:[[:space:]]*[^Z[:space:]]' "/proc/$1/status"; }

# A recorded pid is ended only while it is still what was started: one of our programs.
end_process() {
    local file=$state/pids/$1 signal=${2:-TERM} pid exe
    [ -s "$file" ] || return 0
    pid=$(cat "$file")
    exe=$(readlink "/proc/$pid/exe" 2>/dev/null || true)
    case ${exe##*/} in
        bookinfo* | directfaas-agent* | ovsdb-server* | ovs-vswitchd* | nsenter | ip) kill "-$signal" "$pid" 2>/dev/null || true ;;
    esac
    until_true 5 has_ended "$pid" || kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    rm -f "$file"
}

remove_world() {
    local file name
    for file in "$state"/pids/*; do
        [ -e "$file" ] && end_process "${file##*/}"
    done
    # The switch outlives namespace and agent: its pins are what has to go.
    if [ -d "/sys/fs/bpf/directfaas/$instance" ] && [ -x "${bin:-}/directfaas-agent" ]; then
        if [ -e "/run/netns/$node" ]; then
            in_node "$bin/directfaas-agent" --instance "$instance" --remove >/dev/null 2>&1 || true
        else
            "$bin/directfaas-agent" --instance "$instance" --remove >/dev/null 2>&1 || true
        fi
    fi
    for name in $(ip netns list | awk '$1 ~ /^dfdemo-/ { print $1 }'); do
        ip netns del "$name"
        rm -rf "/etc/netns/$name"
    done
    rmdir /etc/netns 2>/dev/null || true
    rm -rf "$state"
}
