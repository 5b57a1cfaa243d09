#!/bin/sh
# Installs Debian packages (any of postgresql, redis-server, nginx,
# chromium-headless-shell, gcc, libc6-dev) without starting their services, now or at
# boot, and without PostgreSQL's "main" cluster. Called by setup.sh with the packages that
# are missing.
set -eu

policy=/usr/sbin/policy-rc.d
saved=$policy.before-telemetryflow
clusters=/etc/postgresql-common/createcluster.conf
mark='# written by scripts/install-debian.sh, removed when it ends'

say() { printf 'setup: %s\n' "$*" >&2; }

# Puts back what an earlier, interrupted run or this one changed.
restore() {
    if [ -e "$policy" ] && grep -qF "$mark" "$policy"; then rm -f "$policy"; fi
    if [ -e "$saved" ]; then mv -f "$saved" "$policy"; fi
    if [ -e "$clusters" ] && grep -qF "$mark" "$clusters"; then
        sed -i "\|^$mark\$|,\$d" "$clusters"
    fi
}

quietly() {
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        say "failed: $*"
        exit 1
    fi
}

install_packages() {
    quietly apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@"
}

# Keeps the service of a package that was just installed from starting at boot.
disable_service() {
    if command -v systemctl >/dev/null 2>&1; then
        quietly systemctl disable "$1.service"
    else
        quietly update-rc.d "$1" disable
    fi
}

if ! command -v apt-get >/dev/null 2>&1; then
    say "this is not a Debian system. Install these by its own means, then run this again: $*"
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    say "missing: $*. As root, run: apt-get update && apt-get install $*"
    exit 1
fi

log=$(mktemp)
trap 'restore; rm -f "$log"' EXIT
trap 'exit 1' HUP INT TERM
restore

say "installing $* (services stay off)"
export DEBIAN_FRONTEND=noninteractive
quietly apt-get -o DPkg::Lock::Timeout=120 update

if [ -e "$policy" ]; then mv "$policy" "$saved"; fi
printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
chmod 755 "$policy"

for package in "$@"; do
    case $package in
        postgresql)
            # The setting must stand before the server's package is configured,
            # and its file belongs to the common package.
            install_packages postgresql-common
            printf '%s\ncreate_main_cluster = false\n' "$mark" >>"$clusters"
            install_packages postgresql
            ;;
        chromium-headless-shell | gcc | libc6-dev) install_packages "$package" ;;
        *)
            install_packages "$package"
            disable_service "$package"
            ;;
    esac
done
