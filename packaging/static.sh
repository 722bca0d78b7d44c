#!/bin/sh
# Builds the program as one static file that runs on any Linux of this architecture, and prints where it is: with musl where
# its target and its C compiler are installed, else with glibc linked in.
set -eu
cd "$(dirname "$0")/.."
machine=$(uname -m)
libdir=$(rustc --print target-libdir --target "$machine-unknown-linux-musl")
if [ -d "$libdir" ] && command -v musl-gcc > /dev/null; then
    target=$machine-unknown-linux-musl
    export "CC_${machine}_unknown_linux_musl=musl-gcc"
    flags=
else
    target=$machine-unknown-linux-gnu
    flags='-C target-feature=+crt-static'
fi
# Given a target, cargo keeps the flags from build scripts, which are not static.
RUSTFLAGS="${RUSTFLAGS:-} $flags" cargo build --locked --quiet --profile dist --target "$target" >&2
echo "${CARGO_TARGET_DIR:-target}/$target/dist/backlog-audit"
