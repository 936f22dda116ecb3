# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # root (where it is made), suite and die are the caller's
# An apt root of its own for packages of another Debian suite: mirror, proxy and credentials are the
# machine's, and nothing of the machine's apt state or configuration is touched.

# The machine's Debian mirrors with the suite exchanged: "bookworm" and "bookworm-security" of the
# machine become "SUITE" and "SUITE-security".
write_sources() {
    local own uri release codename origin signed
    own=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    signed=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -r "$signed" ] || die "$signed is missing: apt-get install debian-archive-keyring"
    # Without an index (no apt-get update yet) apt prints $(ORIGIN) and $(CODENAME) as they stand.
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(CODENAME) $(ORIGIN)' 'Created-By: Packages' |
        while read -r uri release codename origin; do
            case $origin in Debian | '$('*) ;; *) continue ;; esac
            case $codename in '$('*) codename=$release ;; esac
            case $codename in
                "$own") printf 'deb [signed-by=%s] %s %s main\n' "$signed" "$uri" "$suite" ;;
                "$own-security")
                    case $suite in *-backports) continue ;; esac
                    printf 'deb [signed-by=%s] %s %s-security main\n' "$signed" "$uri" "$suite" ;;
            esac
        done | sort -u >"$root/etc/apt/sources.list"
    [ -s "$root/etc/apt/sources.list" ] ||
        die "found no Debian mirror for $own in this machine's apt configuration (apt-get indextargets)"
}

# Makes it, and reads the suite's index.
make_root() {
    rm -rf "$root"
    mkdir -p "$root"/etc/apt/{apt.conf.d,preferences.d,auth.conf.d,trusted.gpg.d} \
        "$root"/var/{lib/apt/lists/partial,cache/apt/archives/partial,lib/dpkg,log/apt}
    : >"$root/var/lib/dpkg/status"
    # An archived suite's index may be past its date; its signature is checked all the same.
    cat >"$root/apt.conf" <<EOF
Dir "$root/";
Dir::State::status "$root/var/lib/dpkg/status";
APT::Sandbox::User "root";
APT::Architecture "amd64";
Acquire::Languages "none";
Acquire::Check-Valid-Until "false";
Acquire::Retries "3";
EOF
    apt-config dump --no-empty --format '%F "%v";%n' Acquire::http Acquire::https >>"$root/apt.conf"
    if [ -e /etc/apt/auth.conf ]; then ln -s /etc/apt/auth.conf "$root/etc/apt/auth.conf"; fi
    find /etc/apt/auth.conf.d -name '*.conf' -exec ln -s {} "$root/etc/apt/auth.conf.d/" \;
    write_sources
    own_apt apt-get -q update >"$root/log" 2>&1 || {
        tail -n 10 "$root/log" >&2
        die "apt-get update of the private root for $suite failed"
    }
}

own_apt() { APT_CONFIG=$root/apt.conf "$@"; }
