#!/bin/sh
# Packs one optimised build as it is given away, and prints the packages, all in target/packages with their SHA-256 beside them.
# Usage: packaging/pack.sh [tarball|deb|rpm|wheel]..., by default all. It needs cargo-about, and cargo-deb, cargo-generate-rpm or
# maturin for the last three. What it makes depends on the commit and the compiler, not on the day.
set -eu
cd "$(dirname "$0")/.."
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
program=$(packaging/static.sh)
# shellcheck disable=SC2016 # what the other shell knows
target=$(packaging/static.sh sh -c 'echo "$CARGO_BUILD_TARGET"')
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
name=backlog-audit-$version-$target
out=target/packages
# What all packages hold; the metadata in Cargo.toml names these files.
files=target/package-files
rm -rf "$files" "${out:?}"
mkdir -p "$files" "$out"
install -m 755 "$program" "$files/backlog-audit"
"$program" man > "$files/backlog-audit.1"
for command in $("$program" man | sed -n 's/^backlog\\-audit\\-\([a-z]*\)(1)$/\1/p'); do
    "$program" man "$command" > "$files/backlog-audit-$command.1"
done
gzip -9n "$files"/*.1
"$program" completions bash > "$files/backlog-audit.bash"
"$program" completions zsh > "$files/_backlog-audit"
"$program" completions fish > "$files/backlog-audit.fish"
cargo fetch --locked --quiet
cargo about -L error generate --frozen --fail --target "$target" --config packaging/about.toml \
    --output-file "$files/THIRD-PARTY-LICENSES" packaging/licences.hbs >&2

tarball() {
    root=$files/$name
    mkdir -p "$root/man/man1" "$root/completions"
    cp -p "$files/backlog-audit" "$files/THIRD-PARTY-LICENSES" README.md CHANGELOG.md LICENSE* "$root"
    cp -p "$files"/*.1.gz "$root/man/man1"
    cp -p "$files/backlog-audit.bash" "$files/_backlog-audit" "$files/backlog-audit.fish" "$root/completions"
    find "$root" -exec touch -h -t "$(moment)" {} +
    # The same bytes each time, where tar can do that.
    if tar --version | grep -q GNU; then same='--sort=name --owner=0 --group=0 --numeric-owner'; else same=; fi
    # shellcheck disable=SC2086 # a list of words
    tar $same -C "$files" -cf - "$name" | gzip -9n > "$out/$name.tar.gz"
    rm -r "$root"
}
# The moment of the commit, for touch.
moment() { date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M.%S 2> /dev/null || date -u -r "$SOURCE_DATE_EPOCH" +%Y%m%d%H%M.%S; }

deb() { cargo deb --locked --no-build --no-strip --quiet --compress-system --output "$out/"; }

rpm() { cargo generate-rpm --auto-req disabled --payload-compress gzip --arch "${target%%-*}" --output "$out/"; }

wheel() {
    # A static program runs on every Linux: maturin alone would name the one that it was built on.
    case $target in
        *-linux-musl) for_all='--compatibility manylinux2014 musllinux_1_1 --auditwheel skip' ;;
        *-linux-gnu) for_all='--compatibility manylinux2014 --auditwheel skip' ;;
        *) for_all= ;;
    esac
    cp "$files/THIRD-PARTY-LICENSES" LICENSE* packaging/wheel
    # maturin builds what it packs. With the same flags cargo finds it built.
    out=$PWD/$out
    # shellcheck disable=SC2016,SC2086 # what the other shell knows; a list of words
    packaging/static.sh sh -c 'cd packaging/wheel && exec maturin "$@"' - build --quiet --locked --profile dist \
        --out "$out" $for_all >&2
    rm packaging/wheel/*LICENSE*
}

[ $# -gt 0 ] || set -- tarball deb rpm wheel
for kind in "$@"; do "$kind" >&2; done
cd target/packages
for package in *; do
    if command -v sha256sum > /dev/null; then sha256sum "$package"; else shasum -a 256 "$package"; fi > "$package.sha256"
    echo "target/packages/$package"
done
