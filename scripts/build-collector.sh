#!/usr/bin/env bash
# Builds the Collector distribution of builder-config.yaml: OCB writes the sources
# to _build/, go build makes bin/telemetryflow-collector of them.
#   scripts/build-collector.sh BUILDER LDFLAGS
set -euo pipefail
cd "$(dirname "$0")/.."
builder=$1 ldflags=$2

# OCB resolves the modules anew on each run, so it runs only when its inputs changed.
stamp=_build/.stamp
inputs=$(cat builder-config.yaml go.mod go.sum tools/go.mod | sha256sum)
if [[ ! -f $stamp || $(cat "$stamp") != "$inputs" ]]; then
  # The root's sums are a start for the generated module, which downloads the rest.
  GOFLAGS="$GOFLAGS -mod=mod" "$builder" --config builder-config.yaml --skip-compilation
  echo "$inputs" >"$stamp"
fi
mkdir -p bin
go build -C _build -ldflags "$ldflags" -o ../bin/telemetryflow-collector .
