#!/bin/sh
# Builds a Debian package around a program that is built already, by default the static one, and prints where it is.
# Usage: packaging/deb.sh [PROGRAM]
set -eu
program=${1:-$("$(dirname "$0")/static.sh")}
program=$(realpath "$program")
cd "$(dirname "$0")/.."
# The metadata in Cargo.toml names the files here.
files=target/package-files
rm -rf "$files"
mkdir -p "$files"
install -m 755 "$program" "$files/backlog-audit"
"$program" man > "$files/backlog-audit.1"
for command in $("$program" man | sed -n 's/^backlog\\-audit\\-\([a-z]*\)(1)$/\1/p'); do
    "$program" man "$command" > "$files/backlog-audit-$command.1"
done
"$program" completions bash > "$files/backlog-audit.bash"
"$program" completions zsh > "$files/_backlog-audit"
"$program" completions fish > "$files/backlog-audit.fish"
gzip -9 --no-name "$files"/*.1
cargo deb --locked --no-build --no-strip --quiet --output target/debian/
