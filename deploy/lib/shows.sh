# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # variables of world.sh and deploy/demo
# What the demo shows, one function each, with the checks that make it more than a show.

# Connections each edge must have counted by now: key "from to", kept by count_calls.
declare -A expected
allowed_edges=("productpage details" "productpage reviews" "reviews ratings" "gateway productpage")

dfctl() { in_node "$bin/dfctl" --socket "$state/agent.sock" "$@"; }

start_agent() {
    local switch=(--backend "$backend")
    if [ "$backend" = ovs ]; then switch+=(--ovs-bridge "$bridge" --ovs-run-dir "$ovs_dir"); fi
    start_in_node agent "$bin/directfaas-agent" --instance "$instance" --node-name demo "${switch[@]}" \
        --source-dir "$manifests" --socket "$state/agent.sock" --http-listen 127.0.0.1:9467 \
        --activator-exec "$state/activate" --hold-deadline 20s
    until_true 20 agent_ready || { cat "$state/agent.log"; die "the agent did not become ready"; }
}
agent_ready() { in_node bash -c 'exec 3<>/dev/tcp/127.0.0.1/9467 && printf "GET /readyz HTTP/1.0\r\n\r\n" >&3 && head -n 1 <&3 | grep -q 200' 2>/dev/null; }

serve() {
    local pod=$1
    shift
    start_in_pod "$pod" "$pod" "$bin/bookinfo" serve "$pod" "$@"
}
call() { # POD HOST OPTIONS...
    local pod=$1
    shift
    in_pod "$pod" "$bin/bookinfo" call "$@" || true
}
answers() { call "$1" 127.0.0.1 --count 1 --timeout-ms 500 | grep -q 'ok=1 '; }

write_activator() {
    cat >"$state/activate" <<EOF
#!/bin/sh
# Called by the agent with namespace and function: starts an instance that is slow to listen, and
# declares it ready at once. Ready is not listening: the switch must find out by itself.
[ "\$2" = ratings ] || exit 1
ip netns exec dfdemo-ratings '$bin/bookinfo' serve ratings --delay-ms 500 \
    --listening-file '$state/listening' >'$state/ratings.log' 2>&1 </dev/null &
echo \$! >'$state/pids/ratings'
mv '$state/ratings-ready.yaml' '$manifests/endpoints-ratings.yaml'
EOF
    chmod +x "$state/activate"
}

start_functions() {
    local pod
    serve productpage --calls details,reviews
    serve reviews --calls ratings
    serve details
    serve ratings
    start_in_pod gateway gateway "$bin/bookinfo" gateway productpage:9080
    for pod in productpage reviews details ratings; do
        until_true 10 answers "$pod" || die "$pod does not answer in its own pod"
    done
}

is_allowed() {
    local edge
    for edge in "${allowed_edges[@]}"; do
        if [ "$edge" = "$1 $2" ]; then return 0; fi
    done
    return 1
}
count_calls() { expected["$1 $2"]=$((${expected["$1 $2"]:-0} + $3)); }

# All pairs at once; the address of a callee is a vIP or a pod IP.
call_all_pairs() {
    local -n address=$1
    local from to
    for from in gateway "${functions[@]}"; do
        for to in "${functions[@]}"; do
            if [ "$from" = "$to" ]; then continue; fi
            call "$from" "${address[$to]}" --count "$requests" --rate "$rate" --timeout-ms 5000 \
                >"$state/pair-$from-$to" &
            pair_pids+=("$!")
        done
    done
    wait "${pair_pids[@]}"
    pair_pids=()
}
pair_pids=()

check_pairs() {
    local from to line ok refused wrong=0 row
    printf '         %-12s' from
    printf '%-14s' "${functions[@]}"
    printf '\n'
    for from in gateway "${functions[@]}"; do
        row=$(printf '%-12s' "$from")
        for to in "${functions[@]}"; do
            if [ "$from" = "$to" ]; then
                row+=$(printf '%-14s' -)
                continue
            fi
            line=$(cat "$state/pair-$from-$to")
            ok=$(field ok "$line") refused=$(field refused "$line")
            row+=$(printf '%-14s' "$ok/$requests")
            if is_allowed "$from" "$to"; then
                count_calls "$from" "$to" "$requests"
                [ "$ok" -eq "$requests" ] || wrong=$((wrong + 1))
            else
                [ "$ok" -eq 0 ] && [ "$refused" -eq "$requests" ] || wrong=$((wrong + 1))
            fi
        done
        note "$row"
    done
    check "$1: all on the allowed edges, none elsewhere, every other refused at once" [ "$wrong" -eq 0 ]
}

spoof_gets_nothing() {
    local line
    ip -n dfdemo-details addr add "${ip4[productpage]}/32" dev eth0
    line=$(call details "${vip4[reviews]}" --source "${ip4[productpage]}" --count 1 --timeout-ms 1500)
    ip -n dfdemo-details addr del "${ip4[productpage]}/32" dev eth0
    [ "$(field ok "$line")" -eq 0 ] && [ "$(field timeout "$line")" -eq 1 ]
}

show_table_one() {
    step "1. who may call whom: $requests requests a pair, $rate a second (the paper's Table 1)"
    call_all_pairs vip4
    check_pairs "by vIP"
    call_all_pairs ip4
    check_pairs "by pod IP"
    check "details pretending to be productpage gets nothing, not even an answer" spoof_gets_nothing
    note "$(dfctl explain shop/productpage shop/ratings | head -n 4 | sed '2,$s/^/         /')"
}

show_page() {
    step "2. a page through the gateway: unmodified code, calling by name"
    local page
    page=$(call details gateway --port 8080 --path /page --show | head -n 1)
    note "$page"
    check "the whole chain has run" [ "$page" = "productpage(details, reviews(ratings))" ]
    count_calls gateway productpage 1
    count_calls productpage details 1
    count_calls productpage reviews 1
    count_calls reviews ratings 1
}

# opened FROM TO: connections the switch has counted on an edge.
opened() {
    dfctl edges -o json | python3 -c '
import json, sys
edges = json.load(sys.stdin)["edges"]
print(next((e["opened"] for e in edges
            if e["from"].split(" ")[0] == "shop/" + sys.argv[1] and e["to"] == "shop/" + sys.argv[2]), -1))' "$1" "$2"
}

counters_are_exact() {
    local edge from to counted wrong=0
    for edge in "${allowed_edges[@]}"; do
        read -r from to <<<"$edge"
        counted=$(opened "$from" "$to")
        note "$(printf '%-12s → %-12s made %4s   counted %4s' "$from" "$to" "${expected[$edge]:-0}" "$counted")"
        [ "$counted" -eq "${expected[$edge]:-0}" ] || wrong=1
    done
    [ "$wrong" -eq 0 ]
}

show_counters() {
    step "3. connections counted in the switch, against those made"
    check "equal, to the unit" counters_are_exact
}

show_latency() {
    step "4. direct against through a gateway: same handler, one connection a request"
    local direct proxied n=400
    # Shuffled blocks, so that a noisy moment meets both.
    direct=$(call gateway productpage --count "$n")
    proxied=$(call details gateway --port 8080 --count "$n")
    proxied2=$(call details gateway --port 8080 --count "$n")
    direct2=$(call gateway productpage --count "$n")
    count_calls gateway productpage $((4 * n))
    note "direct           p50 $(field p50_us "$direct") and $(field p50_us "$direct2") µs    p99 $(field p99_us "$direct") and $(field p99_us "$direct2") µs"
    note "through gateway  p50 $(field p50_us "$proxied") and $(field p50_us "$proxied2") µs    p99 $(field p99_us "$proxied") and $(field p99_us "$proxied2") µs"
    check "all $((4 * n)) answered" [ "$(($(field ok "$direct") + $(field ok "$direct2") + $(field ok "$proxied") + $(field ok "$proxied2")))" -eq $((4 * n)) ]
}

show_cold_start() {
    step "5. ratings has no instance: the call is kept, an instance started, the call answered"
    local line listening
    write_endpoints ratings ratings
    mv "$manifests/endpoints-ratings.yaml" "$state/ratings-ready.yaml"
    write_endpoints ratings
    end_process ratings
    until_true 5 no_instances_of_ratings || die "the agent still routes to ratings"
    line=$(call reviews ratings --count 1)
    count_calls reviews ratings 1
    check "the first request was answered, none was lost" [ "$(field ok "$line")" -eq 1 ]
    listening=$(cat "$state/listening" 2>/dev/null || echo 0)
    check "by an instance started for it" [ "$listening" -gt 0 ]
    note "$(awk -v p="$(field p50_us "$line")" -v a="$(field answered_ns "$line")" -v l="$listening" \
        'BEGIN { printf "whole call %.0f ms (the instance took 500 ms to listen); from listening to answer %.2f ms", p / 1000, (a - l) / 1e6 }')"
}
no_instances_of_ratings() { ! dfctl explain shop/reviews shop/ratings -o json | grep -q '"address"'; }

# load_begin NAME POD HOST: requests without pause until load_end NAME, whose result is in $load.
load_begin() {
    start_in_pod "load-$1" "$2" "$bin/bookinfo" call "$3" --count 0 --timeout-ms 10000
}
load_end() {
    end_process "load-$1"
    load=$(tail -n 1 "$state/load-$1.log")
}
no_failure() { [ "$(field sent "$load")" -gt 0 ] && [ "$(field ok "$load")" -eq "$(field sent "$load")" ]; }
answered_by() { tr ',' '\n' <<<"$(field by "$load")" | awk -F: -v name="$1" '$1 == name { print $2 }'; }

spread_is_even() {
    local total=0 pod n lowest=1000000000 highest=0
    for pod in reviews reviews-2 reviews-3; do
        n=$(answered_by "$pod")
        n=${n:-0} total=$((total + n))
        [ "$n" -lt "$lowest" ] && lowest=$n
        [ "$n" -gt "$highest" ] && highest=$n
    done
    [ "$total" -gt 100 ] && [ $((highest * 100)) -le $((lowest * 130)) ]
}
drained() {
    local pod
    for pod in reviews-2 reviews-3; do
        dfctl explain shop/productpage shop/reviews -o json | python3 -c '
import json, sys
ends = [e for r in json.load(sys.stdin)["routes"] for e in r["endpoints"]]
sys.exit(any(e["address"].startswith(sys.argv[1] + ":") and e["open"] for e in ends))' "${ip4[$pod]}" || return 1
    done
}

show_scaling() {
    step "6. reviews 1 → 3 → 1 under load"
    local pod
    load_begin scaling productpage reviews
    for pod in reviews-2 reviews-3; do
        write_pod "$pod" reviews
        serve "$pod"
        until_true 10 answers "$pod" || die "$pod does not answer in its own pod"
    done
    write_endpoints reviews reviews reviews-2 reviews-3
    until_true 5 three_reviews || die "the agent does not route to three instances"
    load_begin even productpage reviews
    load_for 2
    load_end even
    count_calls productpage reviews "$(field sent "$load")"
    note "with three instances: $(field by "$load")"
    check "spread evenly (largest within 30 % of smallest)" spread_is_even
    write_endpoints reviews reviews reviews-2- reviews-3-
    until_true 10 drained || die "connections to terminating instances do not end"
    write_endpoints reviews reviews
    end_process reviews-2
    end_process reviews-3
    load_for 1
    load_end scaling
    count_calls productpage reviews "$(field sent "$load")"
    note "all in all: $(field sent "$load") requests, $(field ok "$load") answered"
    check "no request failed while scaling up and down" no_failure
}
three_reviews() { [ "$(dfctl explain shop/productpage shop/reviews -o json | grep -o '"address"' | wc -l)" -eq 3 ]; }
# The load itself is the clock: so many seconds of it.
load_for() { read -rt "$1" <> <(:) || true; }

show_restart() {
    step "7. the agent is killed under load, and started again"
    local before
    before=$(opened productpage details)
    load_begin restart productpage details
    load_for 1
    end_process agent KILL
    load_for 1
    start_agent
    load_for 1
    load_end restart
    count_calls productpage details "$(field sent "$load")"
    note "$(field sent "$load") requests, $(field ok "$load") answered"
    check "no request failed" no_failure
    check "counters went on: $before before, $(opened productpage details) now, exact on every edge" counters_are_exact
}

print_what_to_try() {
    cat <<EOF
The demo is still up. Try:
  alias dfctl='nsenter --net=/run/netns/$node $bin/dfctl --socket $state/agent.sock'
  dfctl status
  dfctl rules
  dfctl edges
  dfctl explain shop/details shop/ratings
  dfctl observe -f &
  ip netns exec dfdemo-details $bin/bookinfo call ratings      # no edge: refused
  ip netns exec dfdemo-reviews $bin/bookinfo call ratings      # an edge: answered
  \$EDITOR $manifests/chain.yaml                 # add an edge, and call again
  nsenter --net=/run/netns/$node curl -s 127.0.0.1:9467/metrics | grep edge_connections
Remove it all with: deploy/demo --down

EOF
}
