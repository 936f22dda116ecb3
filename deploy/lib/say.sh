# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the demo prints, and its count of checks.
passed=0
failed=0

step() { printf '\n[%3d s] %s\n' "$SECONDS" "$*"; }
note() { printf '         %s\n' "$*"; }

# check WHAT CONDITION...: runs the condition and prints whether it holds.
check() {
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        printf '   ok    %s\n' "$what"
    else
        failed=$((failed + 1))
        printf '   FAIL  %s\n' "$what"
    fi
}

die() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

# field NAME "a=1 b=2": the value of one field of a line that bookinfo call has printed.
field() {
    local word
    for word in $2; do
        if [ "${word%%=*}" = "$1" ]; then
            printf '%s' "${word#*=}"
            return
        fi
    done
}

# until_true SECONDS COMMAND...: tries until it succeeds or the time is over.
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        if [ "$SECONDS" -ge "$end" ]; then return 1; fi
        read -rt 0.05 <> <(:) || true
    done
}
