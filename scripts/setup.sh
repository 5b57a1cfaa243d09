#!/bin/sh
# Installs what TelemetryFlow needs on one machine, and only what is missing.
#
#   scripts/setup.sh [PART…]        without a part: tools libchdb services
#
#   tools      looks for Go, Node.js and npm (these it never installs)
#   libchdb    the embedded ClickHouse engine, an npm package, into lib/
#   services   PostgreSQL and Redis, Debian packages
#   nginx      for the tests of deploy/nginx, a Debian package
#   browser    Chromium without a window, for the tests of pages, a Debian package
#   oidc       an OpenID Connect provider for the tests, an npm package, into .cache/
#   typescript a generator of typed clients and a compiler for the tests, likewise
#   compiler   for the race detector, which needs a C compiler: Debian packages
#
# A package that is installed here leaves nothing running and nothing that starts
# at boot: `telemetryflow up` runs the servers itself. Services that were there
# before are not touched.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
failed=0

say() { printf 'setup: %s\n' "$*" >&2; }

tools() {
    for tool in go node npm; do
        command -v "$tool" >/dev/null 2>&1 || {
            say "$tool is missing: install Go 1.26 or later, and Node.js 20 or later with npm"
            return 1
        }
    done
}

postgres_there() {
    for program in /usr/lib/postgresql/*/bin/postgres; do
        [ -x "$program" ] && return 0
    done
    command -v postgres >/dev/null 2>&1
}

services() {
    missing=''
    postgres_there || missing=postgresql
    command -v redis-server >/dev/null 2>&1 || missing="$missing redis-server"
    [ -z "$missing" ] || "$here/install-debian.sh" $missing
}

# Not named after its program, which `command -v` would then find.
proxy() {
    command -v nginx >/dev/null 2>&1 || [ -x /usr/sbin/nginx ] || "$here/install-debian.sh" nginx
}

browser() {
    command -v chromium-headless-shell >/dev/null 2>&1 || "$here/install-debian.sh" chromium-headless-shell
}

compiler() {
    command -v gcc >/dev/null 2>&1 || "$here/install-debian.sh" gcc libc6-dev
}

[ $# -gt 0 ] || set -- tools libchdb services
for part in "$@"; do
    case $part in
        tools | services | browser | compiler) "$part" || failed=1 ;;
        nginx) proxy || failed=1 ;;
        libchdb) "$here/install-libchdb.sh" || failed=1 ;;
        oidc) "$here/install-npm.sh" internal/testkit/oidctest oidctest || failed=1 ;;
        typescript) "$here/install-npm.sh" test/queryserver/typedclient typedclient || failed=1 ;;
        *)
            say "unknown part \"$part\": choose from tools, libchdb, services, nginx, browser, oidc, typescript, compiler"
            exit 2
            ;;
    esac
done
exit "$failed"
