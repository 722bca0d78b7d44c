#!/bin/sh
# Looks whether a Debian package puts everything in its place, and whether its program runs.
# Usage: packaging/check-deb.sh PACKAGE
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
dpkg-deb --extract "$1" "$scratch"
program=$scratch/usr/bin/backlog-audit
commands=$("$program" man | sed -n 's/^backlog\\-audit\\-\([a-z]*\)(1)$/-\1/p')
[ -n "$commands" ]
for page in '' $commands; do
    gzip -dc "$scratch/usr/share/man/man1/backlog-audit$page.1.gz" | grep -q "^\.TH backlog-audit$page 1"
done
for file in \
    bash-completion/completions/backlog-audit \
    zsh/vendor-completions/_backlog-audit \
    fish/vendor_completions.d/backlog-audit.fish \
    doc/backlog-audit/README.md \
    doc/backlog-audit/CHANGELOG.md \
    doc/backlog-audit/copyright \
    doc/backlog-audit/docs/ci.md \
    doc/backlog-audit/monitoring/backlog-audit.rules.yml \
    doc/backlog-audit/docs/rules/queue-clamped.md
do
    [ -s "$scratch/usr/share/$file" ] || { echo "$1 lacks usr/share/$file" >&2; exit 1; }
done
bash -c '. "$1" && complete -p backlog-audit' - "$scratch/usr/share/bash-completion/completions/backlog-audit" > /dev/null
dpkg --dry-run --install "$1" > /dev/null
