# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
# The steps that test/run is made of: say, build, run a suite. Sourced by test/run, whose variables
# top, build, failed, results and own it uses.

say() { printf '[%4d s] %s\n' "$SECONDS" "$*"; }

# Copies its input to a log, and prints a line when another tenth is done, every few seconds at most.
# Understands ninja's "[n/m]" and ctest's "n/m Test". Arguments: log, name of the step.
watch() {
    local line done_tenths=0 tenths last=$SECONDS
    : >"$1"
    while IFS= read -r line; do
        printf '%s\n' "$line" >>"$1"
        if [[ $line =~ ^\[?\ *([0-9]+)/([0-9]+)(\]|\ Test) ]]; then
            tenths=$((10 * BASH_REMATCH[1] / BASH_REMATCH[2]))
            if [ "$tenths" -gt "$done_tenths" ] && [ "$SECONDS" -gt $((last + 4)) ]; then
                done_tenths=$tenths
                last=$SECONDS
                say "$2: ${BASH_REMATCH[1]} of ${BASH_REMATCH[2]}"
            fi
        fi
    done
}

# Configures a preset if that was not done yet and builds targets of it. Prints the end of the log on failure.
build_preset() {
    local preset=$1 dir=$build/$1 log=$build/logs/build-$1.log
    shift
    if [ ! -f "$dir/build.ninja" ]; then
        say "configure $preset"
        if ! cmake -S "$top" -B "$dir" --preset "$preset" </dev/null >"$log" 2>&1; then
            tail -n 30 "$log"
            return 1
        fi
    fi
    say "build $preset: $*"
    if ! NINJA_STATUS='[%f/%t] ' ninja -C "$dir" -j "$(nproc)" "$@" </dev/null 2>&1 |
        watch "$log" "build $preset"; then
        tail -n 40 "$log"
        return 1
    fi
}

# run_ctest SUITE PRESET LABEL JOBS [OPTION...]: the tests of a label, chosen further by options of
# ctest; results in build/results/SUITE.xml.
run_ctest() {
    local suite=$1 preset=$2 label=$3 jobs=$4 status=0
    local log=$build/logs/$suite.log xml=$build/results/$suite.xml
    rm -f "$xml"
    results+=("$suite=$xml=ctest --test-dir ${build#"$top"/}/$preset -R '^{name}\$' --output-on-failure")
    say "$suite"
    ctest --test-dir "$build/$preset" -L "^$label\$" -j "$jobs" "${@:5}" --no-tests=error --output-on-failure \
        --output-junit "$xml" </dev/null 2>&1 | watch "$log" "$suite" || status=$?
    if [ "$status" -ne 0 ]; then
        failed=1
        say "$suite failed; the end of $log:"
        tail -n 40 "$log"
    fi
}

# run_kernels KERNEL...: the packet suite on Debian's kernels; one result file per guest and program.
run_kernels() {
    local log=$build/logs/kernels.log name program xml
    [ $# -gt 0 ] || return 0
    say "kernels"
    if ! "$top/test/kernels/run" "$build/dev" "$build/kernels" "$build/results/kernels" "$@" \
        </dev/null 2>&1 | tee "$log"; then
        failed=1
    fi
    for name in "$@"; do
        for program in ${PROGRAMS:-packet_test kernel_test}; do
            program=${program%%:*}
            xml=$build/results/kernels/$name.$program.xml
            results+=("kernel-$name=$xml=PROGRAMS='$program:{name}' test/run kernels $name")
        done
    done
}

# run_cluster [core|ovs]: end to end on a real Kubernetes; its programs are built once and kept.
run_cluster() {
    local name=cluster${1:+-$1}
    local log=$build/logs/$name.log xml=$build/results/$name.xml
    rm -f "$xml"
    results+=("$name=$xml=test/run $name")
    say "$name"
    local -x PATH=$PATH
    if [ "${1:-}" = ovs ]; then
        local newer
        if ! newer=$("$top/test/cluster/openvswitch" "$build/openvswitch"); then
            note "$name.openvswitch" "see above"
            return
        fi
        PATH=$newer:$PATH
    fi
    if ! { "$top/test/cluster/build" && "$top/deploy/render" --check &&
        python3 "$top/test/cluster/e2e/suite.py" "$build/dev" "$build/cluster" "$xml" "$@"; } \
        </dev/null 2>&1 | tee "$log"; then
        failed=1
    fi
}

# The core of the suite `ovs` on the kernel's datapath, and what that datapath does otherwise than the userspace one.
run_ovs_kernel() {
    local -x GUEST_TOOLS=ovs GUEST_CPUS=2 PROGRAMS
    local case cases=conformance_test:
    for case in 'Hold.First*' 'Hold.Datagrams*' 'Spoofing*' 'PolicyChange.Added*' 'PolicyChange.Revoked*' \
        'SelfCall.Reaches*one_node*' 'Transport.Datagrams*' 'Transport.UdpIsAnswered*' 'PathMtu*' 'LowerMtu*' 'Endpoints.Gone*one_node*'; do
        cases+="*/${case}_ovs:"
    done
    PROGRAMS=${cases%:}
    run_kernels ovs-6.1
}

# Agent and switch, both paths, on each of Debian's kernels.
run_smoke() {
    local -x GUEST_TOOLS=ovs # the agent is among them
    local -x PROGRAMS="conformance_test:*PolicyChange.Added*v?_one_node_auto*ebpf:*PolicyChange.Revoked*v4_two_nodes_auto_ebpf:*Hold.First*v6_two_nodes_auto_ebpf:*FastPath.PacketsArePut*v4*:*KillAndRestart*v4_one_node_clsact_ebpf"
    run_kernels "$@"
}

# note NAME [FAILURE]: one result of test/run's own checks.
note() {
    if [ -n "${2:-}" ]; then
        failed=1
        say "$1: failed"
        printf '%s\n' "$2" | sed 's/^/         /'
        own+="<testcase name=\"$1\" status=\"fail\"><failure/></testcase>"
    else
        own+="<testcase name=\"$1\" status=\"run\"/>"
    fi
}
