#!/bin/sh
# Puts npm packages that tests need into a folder of .cache: exactly what the committed
# lock file says, without running scripts of packages.
#
#   scripts/install-npm.sh SOURCE NAME    SOURCE/package.json and its lock, into .cache/NAME
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
source=$root/$1
name=$2
target=$root/.cache/$name
stamp=$target/installed-lock.json

say() { printf 'setup: %s\n' "$*" >&2; }

# The stamp is written last.
cmp -s "$source/package-lock.json" "$stamp" && exit 0

command -v npm >/dev/null 2>&1 || {
    say "npm is missing: install Node.js 20 or later with npm"
    exit 1
}
say "fetching the packages of $name"
mkdir -p "$target"
rm -f "$stamp"
cp "$source/package.json" "$source/package-lock.json" "$target"
if ! (cd "$target" && npm ci --loglevel=error --ignore-scripts --no-audit --no-fund) >"$target/log" 2>&1; then
    cat "$target/log" >&2
    say "npm could not install the packages of $name"
    exit 1
fi
cp "$source/package-lock.json" "$stamp"
say "$name is ready"
