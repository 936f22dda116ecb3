# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # variables of cluster
# What befalls a cluster: a node that loses power and boots, an apiserver that ends, a storage that is
# put back.

# halt NODE: everything that runs on it is gone at once, with all interfaces, mounts and pins. What is
# on its disk stays: images, the kubelet's state, CNI configuration and plugins.
halt() {
    enter "$1" tar -C / -cf - etc/cni opt/cni >"$state/node/$1/disk.tar"
    end_space "$1"
    rm -f "$state/pid/$1"-*.started
    local file
    for file in /sys/fs/cgroup/*/directfaas-cluster/"$1"; do
        until_true 20 "removal of $file" remove_group "$file"
    done
    until_true 20 "end of the link to $1" no_link "$1"
}
no_link() { ! in_control ip link show dev "$1"; }

# boot NODE: after halt. A kube-proxy has to be started anew by `cluster proxy`.
boot() {
    if pid_of "$1" >/dev/null; then die "$1 runs; halt it first"; fi
    new_machine "${1#node}"
    routes "$1" "$(nodes | wc -l)"
    enter "$1" tar -C / -xf - <"$state/node/$1/disk.tar"
    make_cgroups "$1"
    start_containerd "$1"
    start_kubelet "$1"
}

stop_apiserver() { stop kube-apiserver KILL; }

# What is in the storage now, as a backup has it.
save_etcd() {
    stop etcd
    rm -rf "$state/etcd.saved"
    cp -a "$state/etcd" "$state/etcd.saved"
    start_etcd
    until_true 60 "apiserver's readiness" kube get --raw /readyz
}

# Puts the backup back, and starts anew what has to be after that: all of the control plane.
restore_etcd() {
    local name
    for name in kube-controller-manager kube-scheduler kube-apiserver etcd; do stop "$name" KILL; done
    rm -rf "$state/etcd"
    cp -a "$state/etcd.saved" "$state/etcd"
    start_etcd
    start_apiserver
    start_controllers
}
