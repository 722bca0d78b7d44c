#!/bin/sh
# Runs a static program in a root that holds nothing else but a small tree: no shell, no library, no /proc.
# Usage: packaging/bare-root.sh PROGRAM
set -eu
program=$1
cd "$(dirname "$0")/.."
here=$PWD
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cp "$program" "$root/backlog-audit"
mkdir "$root/tree"
cp -R examples/host/. "$root/tree"
inside() { unshare --map-root-user --root="$root" --wd=/ /backlog-audit "$@"; }

status=0
inside --format json tree > "$root/report.json" || status=$?
[ "$status" -eq 1 ] || { echo "the audit ended with $status, not 1" >&2; exit 1; }
# The same bytes as outside, where there is a machine around it.
(cd "$root" && cargo run --quiet --locked --manifest-path "$here/Cargo.toml" -- --format json tree > expected.json) || true
cmp "$root/expected.json" "$root/report.json"
inside --version
inside explain queue-clamped > /dev/null
inside man > /dev/null
