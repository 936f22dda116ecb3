# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # variables of world.sh and deploy/demo
# Bookinfo as Kubernetes objects. Each file is replaced whole, by rename, as the agent expects.
put() {
    cat >"$manifests/.$1.tmp"
    mv "$manifests/.$1.tmp" "$manifests/$1"
}

write_chain() {
    put chain.yaml <<'EOF'
apiVersion: directfaas.io/v1alpha1
kind: FunctionChain
metadata: {name: bookinfo, namespace: shop}
spec:
  functions:
    - {name: productpage, exposure: Ingress}
    - {name: details}
    - {name: reviews}
    - {name: ratings, scaleFromZero: Direct}
  edges:
    - {from: productpage, to: details}
    - {from: productpage, to: reviews}
    - {from: reviews, to: ratings}
  entries:
    - {name: gateway, selector: {matchLabels: {app: gateway}}}
EOF
}

write_service() {
    put "service-$1.yaml" <<EOF
apiVersion: v1
kind: Service
metadata: {name: $1, namespace: shop}
spec:
  clusterIP: ${vip4[$1]}
  selector: {app: $1}
  ports: [{name: http, port: 9080, targetPort: 9080}]
EOF
}

# write_pod POD APP. On a bridge no route leads to the pod's interface, so it is named.
write_pod() {
    local annotations=
    if [ "$backend" = ovs ]; then
        annotations=", annotations: {directfaas.io/host-interface: $(link_of "$1")}"
    fi
    put "pod-$1.yaml" <<EOF
apiVersion: v1
kind: Pod
metadata: {name: $1, namespace: shop, labels: {app: $2}$annotations}
status: {podIPs: [{ip: ${ip4[$1]}}, {ip: "${ip6[$1]}"}]}
EOF
}

# write_endpoints FUNCTION POD...: "POD-" stands for a terminating one. None: no instance.
write_endpoints() {
    local function=$1 pod
    shift
    {
        printf 'apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n'
        printf 'metadata:\n  name: %s-1\n  namespace: shop\n' "$function"
        printf '  labels: {kubernetes.io/service-name: %s}\n' "$function"
        printf 'ports: [{name: http, port: 9080}]\nendpoints:'
        if [ $# -eq 0 ]; then printf ' []'; fi
        for pod in "$@"; do
            if [ "${pod%-}" = "$pod" ]; then
                printf '\n  - {addresses: [%s], conditions: {ready: true}}' "${ip4[$pod]}"
            else
                printf '\n  - {addresses: [%s], conditions: {ready: false, serving: true, terminating: true}}' \
                    "${ip4[${pod%-}]}"
            fi
        done
        printf '\n'
    } | put "endpoints-$function.yaml"
}

write_manifests() {
    local name
    write_chain
    write_pod gateway gateway
    for name in "${functions[@]}"; do
        write_service "$name"
        write_pod "$name" "$name"
        write_endpoints "$name" "$name"
    done
}
