# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # variables of cluster
# A node: containerd, kubelet, optionally kube-proxy, in namespaces of their own.

start_node() {
    local name=node$1
    new_machine "$1"
    make_cgroups "$name"
    start_containerd "$name"
    write_network "$name" ptp
    start_kubelet "$name"
}

# new_machine NUMBER: its namespace, on the rack.
new_machine() {
    local number=$1 name=node$1
    new_space "$name"
    cable "$name"
    enter "$name" sh -ec "ip addr add $(node_address "$name")/24 dev uplink; ip link set uplink up
        ip addr add $rack6::$((10 + number))/64 dev uplink nodad
        ip route add default via $rack.1; ip route add default via $rack6::1
        echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"
}
node_address() { echo "$rack.$((10 + ${1#node}))"; }

# A veth between the node and the rack. ip names the other namespace by a process, as the machine
# numbers it, so the link is made from outside the control plane's process namespace.
cable() {
    nsenter --target "$(pid_of control)" --net -- \
        ip link add "$1" type veth peer name uplink netns "$(pid_of "$1")"
    in_control ip link set "$1" master rack up
}

# routes NAME COUNT: from there to the pods of all nodes but its own.
routes() {
    local to
    for ((to = 1; to <= $2; to++)); do
        if [ "$1" = "node$to" ]; then continue; fi
        enter "$1" ip route add "$pods.$to.0/24" via "$rack.$((10 + to))"
        enter "$1" ip route add "$pods6:$to::/64" via "$rack6::$((10 + to))"
    done
}

route_between_nodes() {
    local number
    routes control "$1"
    for ((number = 1; number <= $1; number++)); do routes "node$number" "$1"; done
}

# cgroup v1 has a tree for each controller; a new cpuset is empty until it is filled.
make_cgroups() {
    local tree group file
    for tree in /sys/fs/cgroup/*/; do
        for group in directfaas-cluster "directfaas-cluster/$1"; do
            mkdir -p "$tree$group" 2>/dev/null || continue
            for file in cpuset.cpus cpuset.mems; do
                if [ -e "$tree$group/$file" ]; then
                    cat "$(dirname "$tree$group")/$file" >"$tree$group/$file"
                fi
            done
        done
    done
}

start_containerd() {
    local dir=$state/node/$1
    mkdir -p "$dir/containerd"
    cat >"$dir/containerd.toml" <<EOF
version = 2
root = "$dir/containerd"
state = "/run/containerd"
oom_score = 0
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:test"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/opt/cni/bin"
    conf_dir = "/etc/cni/net.d"
EOF
    enter "$1" sh -ec 'mkdir -p /opt/cni/bin /etc/cni/net.d; cp /usr/lib/cni/* /opt/cni/bin/'
    start "$1" "$1-containerd" containerd --config "$dir/containerd.toml"
    until_true 30 "containerd of $1" enter "$1" ctr version
    if [ ! -e "$state/pause.tar" ]; then
        gcc -static -O2 -o "$state/pause" "$here/pause.c"
        "$here/../../deploy/image/pack" --name localhost/pause:test --entrypoint /pause \
            --file "$state/pause=/pause" --out "$state/pause.tar" >/dev/null
    fi
    import "$1" "$state/pause.tar"
}

# write_network NODE PLUGIN [CHAINED...]: ptp, bridge with a gateway of its own, or directfaas-ovs; behind
# it the plugins named, by default portmap.
write_network() {
    local plugin='"type": "ptp"' number=${1#node} name chained=''
    for name in "${@:3}"; do chained+=,$(chained_plugin "$name"); done
    case $2 in
        ptp) ;;
        bridge) plugin='"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true' ;;
        directfaas-ovs)
            plugin='"type": "directfaas-ovs"'
            start_vswitch "$1" ;;
        *) die "no main plugin $2: ptp, bridge or directfaas-ovs" ;;
    esac
    enter "$1" sh -c 'cat >/etc/cni/net.d/.10-test && mv /etc/cni/net.d/.10-test /etc/cni/net.d/10-test.conflist' <<EOF
{"cniVersion": "0.4.0", "name": "test", "plugins": [
  {$plugin, "ipMasq": false, "ipam": {"type": "host-local", "dataDir": "/run/ipam",
   "ranges": [[{"subnet": "$pods.$number.0/24"}], [{"subnet": "$pods6:$number::/64"}]],
   "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}}${chained:-,$(chained_plugin portmap)}]}
EOF
}

chained_plugin() {
    case $1 in
        portmap) echo '{"type": "portmap", "capabilities": {"portMappings": true}}' ;;
        bandwidth) echo '{"type": "bandwidth", "capabilities": {"bandwidth": true}}' ;;
        firewall) echo '{"type": "firewall", "backend": "iptables"}' ;;
        *) die "no chained plugin $1: portmap, bandwidth or firewall" ;;
    esac
}

start_kubelet() {
    local dir=$state/node/$1
    mkdir -p "$dir/kubelet"
    cat >"$dir/kubelet.yaml" <<EOF
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /directfaas-cluster/$1
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $state/pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $state/pki/$1.crt
tlsPrivateKeyFile: $state/pki/$1.key
clusterDNS: [$dns]
clusterDomain: cluster.local
resolvConf: /etc/resolv.conf
failSwapOn: false
failCgroupV1: false
nodeStatusUpdateFrequency: 2s
evictionHard: {nodefs.available: "1%", imagefs.available: "1%", memory.available: 100Mi}
imageGCHighThresholdPercent: 100
staticPodPath: ""
volumePluginDir: $dir/plugins
EOF
    start "$1" "$1-kubelet" "$bin/kubelet" --config "$dir/kubelet.yaml" --root-dir "$dir/kubelet" \
        --cert-dir "$dir/certificates" --kubeconfig "$state/pki/$1.conf" --hostname-override "$1" \
        --node-ip "$(node_address "$1"),$rack6::$((10 + ${1#node}))"
}

nodes() { find "$state/node" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort; }

import() { enter "$1" ctr -n k8s.io images import --snapshotter native - <"$2" >/dev/null; }
load_images() {
    local node archive
    for node in $(nodes); do
        for archive in "$@"; do import "$node" "$archive"; done
    done
}

# proxy_mode MODE: ends a running kube-proxy with what it has written, then starts it.
proxy_mode() {
    local node
    for node in $(nodes); do
        stop "$node-proxy"
        enter "$node" "$bin/kube-proxy" --cleanup >>"$state/log/$node-proxy.log" 2>&1 || true
        if [ "$1" = off ]; then continue; fi
        start "$node" "$node-proxy" "$bin/kube-proxy" --proxy-mode="$1" --hostname-override="$node" \
            --kubeconfig="$state/pki/kube-proxy.conf" --cluster-cidr="$pods.0.0/16,$pods6::/48" \
            --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 \
            --conntrack-tcp-timeout-close-wait=0
        until_true 30 "kube-proxy of $node" enter "$node" curl -sf http://127.0.0.1:10256/healthz
    done
}
