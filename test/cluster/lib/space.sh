# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # variables of cluster
# Namespaces: "control" and "nodeN". Each has a first process whose end ends everything in it.

# What runs as process 1 of a namespace: collects orphans until it is killed.
# shellcheck disable=SC2016
first_process='
mount --make-rprivate / &&
{ grep " nsfs " /proc/self/mounts | cut -d" " -f2 | xargs -r umount -l 2>&1 || true; } && # not ours to keep alive
mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p /run/cgroup &&
mount --rbind /sys/fs/cgroup /run/cgroup && mount -t sysfs sysfs /sys &&
mount --rbind /run/cgroup /sys/fs/cgroup && umount -l /run/cgroup &&
mount -t bpf bpf /sys/fs/bpf &&
for dir in etc opt var/lib var/log; do # what is written there stays here
    mkdir -p "/run/over/$dir"/{up,work} && mount -t overlay overlay "/$dir" \
        -o "lowerdir=/$dir,upperdir=/run/over/$dir/up,workdir=/run/over/$dir/work" || exit 1
done &&
mount --make-rshared / &&
ip link set lo up && echo ready >"$1" || exit 1
trap : CHLD
while :; do tail -f /dev/null & wait $!; done'

# new_space NAME
new_space() {
    local name=$1 ready=$state/pid/$1.ready
    rm -f "$ready"
    (
        exec 8>&- 9>&-
        exec setsid unshare --net --pid --mount --ipc --uts --fork --mount-proc --kill-child=KILL \
            bash -c "$first_process" "directfaas-space-$name" "$ready"
    ) </dev/null >"$state/log/$name-space.log" 2>&1 &
    record "$name.outer" $!
    until_true 10 "namespace $name" test -s "$ready"
    record "$name" "$(child_of "$(pid_of "$name.outer")")"
    enter "$name" hostname "$name"
}

child_of() { awk '{ print $1 }' "/proc/$1/task/$1/children"; }

# A process is known by number and start time: numbers are given out again.
start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
record() { printf '%s %s\n' "$2" "$(start_time "$2")" >"$state/pid/$1"; }
pid_of() {
    local pid started
    read -r pid started <"$state/pid/$1" 2>/dev/null || return 1
    [ -n "$started" ] && [ "$(start_time "$pid")" = "$started" ] && echo "$pid"
}

# enter NAME COMMAND...
enter() {
    local pid
    pid=$(pid_of "$1") || die "there is no $1; is the cluster up?"
    nsenter --target "$pid" --net --pid --mount --ipc --uts -- "${@:2}"
}
in_control() { enter control "$@"; }

# start NAME LOG COMMAND...: in a namespace, in the background. Its life is the namespace's. What is
# recorded under LOG is nsenter, which waits outside for the command and must collect it.
start() {
    local name=$1 log=$state/log/$2.log what=$2 pid
    shift 2
    pid=$(pid_of "$name") || die "there is no $name"
    (
        exec 8>&- 9>&-
        exec setsid nsenter --target "$pid" --net --pid --mount --ipc --uts -- "$@"
    ) </dev/null >>"$log" 2>&1 &
    record "$what.started" $!
}

# stop LOG [SIGNAL]: ends what was started under that name, and waits for its end.
stop() {
    local waiting running
    waiting=$(pid_of "$1.started") || return 0
    running=$(child_of "$waiting")
    if [ -n "$running" ]; then kill -"${2:-TERM}" "$running" 2>/dev/null || true; fi
    until_true 20 "end of $1" test ! -e "/proc/${running:-$waiting}"
    rm -f "$state/pid/$1.started"
}

# kill_now RECORD: ends what is recorded under that name, and forgets it.
kill_now() {
    local pid
    if pid=$(pid_of "$1"); then
        kill -KILL "$pid" 2>/dev/null || true
        until_true 20 "end of $1" test ! -e "/proc/$pid"
    fi
    rm -f "$state/pid/$1"
}

end_space() { kill_now "$1" && kill_now "$1.outer"; }

end_spaces() {
    local file pid
    [ -d "$state/pid" ] || return 0
    for file in "$state"/pid/*.started; do # a stopped one would collect nobody, and hold its namespace
        [ -e "$file" ] || continue
        if pid=$(pid_of "$(basename "$file")"); then kill -KILL "$pid" 2>/dev/null || true; fi
    done
    for file in "$state"/pid/*.outer; do
        if [ -e "$file" ]; then end_space "$(basename "$file" .outer)"; fi
    done
}

# Groups are removed from the leaves; a process that is just ending may hold one for a moment.
remove_cgroups() {
    local group
    for group in /sys/fs/cgroup/*/directfaas-cluster; do
        [ -d "$group" ] || continue
        until_true 20 "removal of $group" remove_group "$group"
    done
}
remove_group() {
    find "$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
    [ ! -d "$1" ]
}
