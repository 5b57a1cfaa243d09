#!/usr/bin/env bash
# Fails when what is committed differs from what the project's own commands make
# of it, or when a module left the one consistent version set of the Collector.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "verify: go.mod and go.sum are tidy"
go mod tidy -diff
(cd tools && go mod tidy -diff)

echo "verify: the modules are what go.sum says"
go mod verify >/dev/null

# The set: core v0.161.0 / v1.67.0, contrib v0.161.0 or v0.160.0, whose host metrics
# receiver brings the scraper modules of v0.160.0.
core='^go\.opentelemetry\.io/collector((/[^ ]*)? (v0\.161\.0|v1\.67\.0)|/(filter|scraper(/[^ ]*)?) v0\.160\.0)$'
contrib='^github\.com/open-telemetry/opentelemetry-collector-contrib/[^ ]* (v0\.161\.0|v0\.160\.0)$'
check_set() { # check_set NAME < lines of "module version"
  local outside
  outside=$(grep -E '^(go\.opentelemetry\.io/collector|github\.com/open-telemetry/opentelemetry-collector-contrib)' |
    grep -vE "$core|$contrib" || true)
  if [[ -n $outside ]]; then
    printf 'verify: %s leaves the version set:\n%s\n' "$1" "$outside" >&2
    exit 1
  fi
}

echo "verify: the Collector version set"
go list -m -f '{{.Path}} {{.Version}}' all | check_set go.mod
(cd tools && go list -m -f '{{.Path}} {{.Version}}' all) | check_set tools/go.mod
awk '$2 == "gomod:" { print $3, $4 }' builder-config.yaml | check_set builder-config.yaml
if [[ -f _build/go.mod ]]; then
  (cd _build && go list -m -f '{{.Path}} {{.Version}}' all) | check_set _build/go.mod
fi

echo "verify: formatting"
unformatted=$(gofmt -l $(git ls-files '*.go'))
if [[ -n $unformatted ]]; then
  printf 'verify: gofmt would change:\n%s\n' "$unformatted" >&2
  exit 1
fi
