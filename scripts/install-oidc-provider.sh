#!/bin/sh
# Puts npm's oidc-provider, a certified OpenID Connect provider, into .cache/oidctest,
# for the tests of single sign-on: exactly what the committed lock file says, without
# running scripts of packages.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
source=$root/internal/testkit/oidctest
target=$root/.cache/oidctest
stamp=$target/installed-lock.json

say() { printf 'setup: %s\n' "$*" >&2; }

# The stamp is written last.
cmp -s "$source/package-lock.json" "$stamp" && exit 0

command -v npm >/dev/null 2>&1 || {
    say "npm is missing: install Node.js 20 or later with npm"
    exit 1
}
say "fetching oidc-provider"
mkdir -p "$target"
rm -f "$stamp"
cp "$source/package.json" "$source/package-lock.json" "$target"
if ! (cd "$target" && npm ci --loglevel=error --ignore-scripts --no-audit --no-fund) >"$target/log" 2>&1; then
    cat "$target/log" >&2
    say "npm could not install oidc-provider"
    exit 1
fi
cp "$source/package-lock.json" "$stamp"
say "oidc-provider is ready"
