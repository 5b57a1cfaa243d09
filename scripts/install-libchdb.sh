#!/bin/sh
# Puts libchdb.so, the ClickHouse engine as a library (about 560 MB), into lib/.
# It comes as an npm package of a pinned version, from the registry that npm is
# configured for, and is used only when its checksum is the pinned one.
set -eu

version=26.7.3-stable.1
# The package's "integrity" at npm: SHA-512, base64.
linux_x64='XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw=='

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
library=$root/lib/libchdb.so
stamp=$root/lib/libchdb.stamp

say() { printf 'setup: %s\n' "$*" >&2; }
size() { wc -c <"$1" | tr -d ' '; }

if [ -n "${TELEMETRYFLOW_LIBCHDB:-}" ]; then
    [ -f "$TELEMETRYFLOW_LIBCHDB" ] && exit 0
    say "TELEMETRYFLOW_LIBCHDB names $TELEMETRYFLOW_LIBCHDB, which does not exist"
    exit 1
fi

case "$(uname -s) $(uname -m)" in
    'Linux x86_64') package=@chdb/lib-linux-x64-gnu integrity=$linux_x64 ;;
    *)
        say "no checksum of libchdb is pinned for $(uname -s) $(uname -m). Get libchdb $version for it"
        say "(npm has @chdb/lib-linux-arm64-gnu, @chdb/lib-darwin-x64, @chdb/lib-darwin-arm64), check it,"
        say "and set TELEMETRYFLOW_LIBCHDB to the path of libchdb.so"
        exit 1
        ;;
esac

# The stamp is written last and names the size, so that a replaced or cut file
# is noticed without reading all of it.
if [ -f "$library" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$integrity $(size "$library")" ]; then
    exit 0
fi
command -v npm >/dev/null 2>&1 || {
    say "npm is missing: install Node.js 20 or later with npm"
    exit 1
}

mkdir -p "$root/lib"
work=$(mktemp -d "$root/lib/.libchdb-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

say "fetching $package $version"
if ! (cd "$work" && npm pack --loglevel=error --ignore-scripts "$package@$version") >"$work/log" 2>&1; then
    cat "$work/log" >&2
    say "npm could not fetch $package@$version"
    exit 1
fi
archive=$(find "$work" -name '*.tgz')
found=$(node -e '
    const hash = require("crypto").createHash("sha512").setEncoding("base64");
    require("fs").createReadStream(process.argv[1]).pipe(hash).on("finish", () => console.log(hash.read()));
' "$archive")
if [ "$found" != "$integrity" ]; then
    say "the checksum of $package@$version is $found, not the pinned $integrity: not used"
    exit 1
fi
tar -xzf "$archive" -C "$work" package/libchdb.so
rm -f "$stamp"
mv -f "$work/package/libchdb.so" "$library"
echo "$integrity $(size "$library")" >"$stamp"
say "lib/libchdb.so is ready"
