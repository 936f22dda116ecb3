# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # variables of cluster
# The control plane: certificates, etcd, apiserver, controller-manager, scheduler.

# certificate NAME SUBJECT [SAN]: signed by the cluster's authority.
certificate() {
    local pki=$state/pki
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$pki/$1.key" \
        -subj "$2" -out "$pki/$1.csr" 2>/dev/null
    openssl x509 -req -in "$pki/$1.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial -days 30 \
        -out "$pki/$1.crt" -extfile <(printf '%s\n' "${3:+subjectAltName=$3}" 'keyUsage=digitalSignature' \
        'extendedKeyUsage=serverAuth,clientAuth') 2>/dev/null
}

# kubeconfig NAME: with the certificate of that name.
kubeconfig() {
    cat >"$state/pki/$1.conf" <<EOF
apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "https://$rack.1:6443", certificate-authority: $state/pki/ca.crt}}]
users: [{name: me, user: {client-certificate: $state/pki/$1.crt, client-key: $state/pki/$1.key}}]
contexts: [{name: test, context: {cluster: test, user: me}}]
current-context: test
EOF
}

make_certificates() {
    local pki=$state/pki number
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$pki/ca.key" \
        -subj /CN=directfaas-test-ca -days 30 -out "$pki/ca.crt" 2>/dev/null
    openssl genrsa -out "$pki/accounts.key" 2048 2>/dev/null
    certificate apiserver /CN=kube-apiserver "IP:$rack.1,IP:127.0.0.1,IP:10.96.0.1,DNS:kubernetes.default.svc"
    certificate admin /O=system:masters/CN=admin
    certificate kube-controller-manager /CN=system:kube-controller-manager
    certificate kube-scheduler /CN=system:kube-scheduler
    certificate kube-proxy /CN=system:kube-proxy
    for name in admin kube-controller-manager kube-scheduler kube-proxy; do kubeconfig "$name"; done
    for ((number = 1; number <= $1; number++)); do
        certificate "node$number" "/O=system:nodes/CN=system:node:node$number" \
            "IP:$rack.$((number + 10)),DNS:node$number"
        kubeconfig "node$number"
    done
}

kube() { in_control env -C "$PWD" "$bin/kubectl" --kubeconfig "$state/pki/admin.conf" "$@"; }

start_apiserver() {
    local pki=$state/pki
    start control kube-apiserver "$bin/kube-apiserver" \
        --etcd-servers=http://127.0.0.1:2379 --bind-address=0.0.0.0 --advertise-address="$rack.1" \
        --service-cluster-ip-range="$services" --allow-privileged --authorization-mode=Node,RBAC \
        --enable-admission-plugins=NodeRestriction --endpoint-reconciler-type=lease \
        --client-ca-file="$pki/ca.crt" --tls-cert-file="$pki/apiserver.crt" \
        --tls-private-key-file="$pki/apiserver.key" --service-account-key-file="$pki/accounts.key" \
        --service-account-signing-key-file="$pki/accounts.key" \
        --service-account-issuer=https://kubernetes.default.svc \
        --kubelet-client-certificate="$pki/admin.crt" --kubelet-client-key="$pki/admin.key" \
        --kubelet-certificate-authority="$pki/ca.crt" --kubelet-preferred-address-types=InternalIP
    until_true 90 "apiserver's readiness" kube get --raw /readyz
}

start_control_plane() {
    new_space control
    in_control sh -ec "ip link add rack type bridge && ip link set rack up && ip addr add $rack.1/24 dev rack
        ip addr add $rack6::1/64 dev rack nodad"
    start_etcd
    start_apiserver
    start_controllers
    until_true 60 "a service account" kube get serviceaccount default
    say "apiserver, controller-manager and scheduler run"
}

start_etcd() {
    start control etcd etcd --data-dir "$state/etcd" --listen-client-urls http://127.0.0.1:2379 \
        --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380 \
        --unsafe-no-fsync
}

start_controllers() {
    local pki=$state/pki
    # After an apiserver's absence of more than the default, 50 s, the controller calls nodes and their
    # pods not ready, until their kubelets object: no Service has an instance then (docs/kubernetes.md).
    start control kube-controller-manager "$bin/kube-controller-manager" \
        --kubeconfig="$pki/kube-controller-manager.conf" --use-service-account-credentials \
        --root-ca-file="$pki/ca.crt" --service-account-private-key-file="$pki/accounts.key" \
        --leader-elect=false --node-monitor-period=1s --node-monitor-grace-period=120s
    start control kube-scheduler "$bin/kube-scheduler" --kubeconfig="$pki/kube-scheduler.conf" \
        --leader-elect=false
}

# dnsmasq on the control plane, behind a Service like a cluster's own DNS; it knows every Service by
# the names that Kubernetes gives it.
serve_names() {
    stop dnsmasq
    # shellcheck disable=SC2016 # a variable of the template
    kube get services -A -o go-template='{{range .items}}{{$name := printf "%s.%s.svc.cluster.local" .metadata.name .metadata.namespace}}{{range .spec.clusterIPs}}{{.}} {{$name}}{{"\n"}}{{end}}{{end}}' |
        grep -v ^None >"$state/names"
    start control dnsmasq dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
        --addn-hosts="$state/names" --local=/cluster.local/ --listen-address="$rack.1" --bind-interfaces \
        --user=root --pid-file
    kube apply -f - >/dev/null <<EOF
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec: {clusterIP: $dns, ports: [{name: dns, port: 53, protocol: UDP}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kube-dns, namespace: kube-system, labels: {kubernetes.io/service-name: kube-dns}}
addressType: IPv4
ports: [{name: dns, port: 53, protocol: UDP}]
endpoints: [{addresses: ["$rack.1"]}]
EOF
}
