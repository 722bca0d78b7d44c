#!/bin/sh
# Builds the program as it is given away and prints where it is: on Linux one static file that runs on any Linux of this
# architecture, with musl where its target and its C compiler are installed, else with glibc linked in.
# With arguments it runs these instead, with the same flags, target and profile: `packaging/static.sh maturin build ...`.
set -eu
cd "$(dirname "$0")/.."
machine=$(uname -m)
flags=
if [ "$(uname -s)" != Linux ]; then
    target=$(rustc -vV | sed -n 's/^host: //p')
elif [ -d "$(rustc --print target-libdir --target "$machine-unknown-linux-musl")" ] && command -v musl-gcc > /dev/null; then
    target=$machine-unknown-linux-musl
    export "CC_${machine}_unknown_linux_musl=musl-gcc"
else
    target=$machine-unknown-linux-gnu
    flags='-C target-feature=+crt-static'
fi
# It is in no file of ours, but build scripts ask for it, and cargo would build everything again.
unset SOURCE_DATE_EPOCH
# Given a target, cargo keeps the flags from build scripts, which are not static.
export RUSTFLAGS="${RUSTFLAGS:-} $flags" CARGO_BUILD_TARGET="$target"
if [ $# -gt 0 ]; then exec "$@"; fi
cargo build --locked --quiet --profile dist >&2
echo "${CARGO_TARGET_DIR:-target}/$target/dist/backlog-audit"
