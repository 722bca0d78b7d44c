#!/bin/bash
# Installs packages, each in a root of its own, and looks whether everything is in its place and the program runs.
# Usage: packaging/check.sh PACKAGE...; as root, on Debian. A .tar.gz, .deb and .rpm by tar, dpkg and rpm, a .whl by pip and a copy.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)

fail() { echo "$package: $*" >&2; exit 1; }

# A program of a package finds in the example what the example has, and is called as Cargo.toml says.
runs() {
    [ "$("$1" --version)" = "backlog-audit $version" ] || fail "$1 is another version"
    local status=0
    "$1" --offline --quiet examples/host > "$scratch/said" || status=$?
    if [ "$status" -ne 1 ] || ! grep -q 'queue-clamped' "$scratch/said"; then fail "the audit ended with $status"; fi
}

holds() { for file in "$@"; do [ -s "$file" ] || fail "it lacks $file"; done; }

# Each command has its page, and man has no word to say against one.
pages() {
    local commands page
    commands=$("$2" man | sed -n 's/^backlog\\-audit\\-\([a-z]*\)(1)$/-\1/p')
    [ -n "$commands" ] || fail "its page names no command"
    for page in '' $commands; do
        holds "$1/backlog-audit$page.1.gz"
        gzip -dc "$1/backlog-audit$page.1.gz" > "$scratch/page.1"
        grep -q "^\.TH backlog-audit$page 1" "$scratch/page.1" || fail "backlog-audit$page.1.gz is another page"
        MANROFFSEQ='' MANWIDTH=80 LC_ALL=C.UTF-8 man --warnings -l "$scratch/page.1" 2> "$scratch/warnings" > /dev/null
        [ ! -s "$scratch/warnings" ] || fail "man on $page: $(cat "$scratch/warnings")"
    done
}

# The real shells take the completions: bash completes, zsh and fish read them without an error.
completions() {
    # shellcheck disable=SC2016 # what the other shell knows
    bash -c '. "$1" && complete -p backlog-audit' - "$1" > /dev/null || fail "bash does not take the completions"
    # shellcheck disable=SC2016
    zsh -fc 'autoload -Uz compinit && compinit -u -D && . "$1" && [[ $_comps[backlog-audit] = _backlog-audit ]]' - "$2" ||
        fail "zsh does not take the completions"
    # shellcheck disable=SC2016
    fish --no-config -c 'source $argv[1]; complete -C "backlog-audit --kern" | grep -q -- --kernel' "$3" ||
        fail "fish does not take the completions"
}

notices() {
    local word
    for word in 'MIT License' 'Apache License' 'tree-sitter ' 'clap ' 'mimalloc '; do
        grep -q "$word" "$1" || fail "$1 lacks $word"
    done
}

tarball() {
    tar -xzf "$package" -C "$root" --strip-components 1
    holds "$root"/{README.md,CHANGELOG.md,LICENSE,LICENSE-MIT,LICENSE-APACHE}
    notices "$root/THIRD-PARTY-LICENSES"
    runs "$root/backlog-audit"
    pages "$root/man/man1" "$root/backlog-audit"
    completions "$root/completions"/{backlog-audit.bash,_backlog-audit,backlog-audit.fish}
}

# What a .deb and an .rpm have in common; where zsh looks and licences lie differs.
installed() {
    runs "$root/usr/bin/backlog-audit"
    pages "$root/usr/share/man/man1" "$root/usr/bin/backlog-audit"
    completions "$root/usr/share/bash-completion/completions/backlog-audit" "$root/usr/share/zsh/$1/_backlog-audit" \
        "$root/usr/share/fish/vendor_completions.d/backlog-audit.fish"
    notices "$root/usr/share/$2/THIRD-PARTY-LICENSES"
    holds "$root/usr/share/doc/backlog-audit"/{README.md,CHANGELOG.md,docs/ci.md,docs/rules/queue-clamped.md,docs/services/nginx.md} \
        "$root/usr/share/doc/backlog-audit/monitoring/backlog-audit.rules.yml"
}

deb() {
    mkdir -p "$root/var/lib/dpkg"/{info,updates,triggers}
    touch "$root/var/lib/dpkg/status"
    dpkg --root="$root" --force-script-chrootless --log=/dev/null --install "$package" > "$scratch/said" 2>&1 ||
        fail "dpkg: $(cat "$scratch/said")"
    holds "$root/usr/share/doc/backlog-audit/copyright"
    installed vendor-completions doc/backlog-audit
    dpkg --root="$root" --log=/dev/null --purge backlog-audit > "$scratch/said" 2>&1 || fail "dpkg: $(cat "$scratch/said")"
    [ ! -e "$root/usr/bin" ] || fail "it leaves files behind"
}

rpm_() {
    # It needs nothing but a shell, and a root like this one has no database that would say so.
    local needs
    needs=$(rpm -qp --requires "$package" | grep -vE '^(/bin/sh|rpmlib\(.*)' || true)
    [ -z "$needs" ] || fail "it needs $needs"
    local in_root=(--root "$root" --dbpath /var/lib/rpm --force-debian --nodeps)
    rpm "${in_root[@]}" --install "$package" 2> "$scratch/said" || fail "rpm: $(cat "$scratch/said")"
    holds "$root/usr/share/licenses/backlog-audit"/{LICENSE,LICENSE-MIT,LICENSE-APACHE}
    installed site-functions licenses/backlog-audit
    rpm "${in_root[@]}" --erase backlog-audit 2> "$scratch/said" || fail "rpm: $(cat "$scratch/said")"
    [ ! -e "$root/usr/bin/backlog-audit" ] || fail "it leaves files behind"
}

# From a clean environment to the first answer within three seconds, as pip, pipx and uv do it; a busy machine may try again.
wheel() {
    local began took
    for _ in 1 2 3; do
        python3 -m venv --clear "$root/venv"
        began=$(date +%s%N)
        "$root/venv/bin/pip" install --quiet --no-index --disable-pip-version-check "$package"
        runs "$root/venv/bin/backlog-audit"
        took=$((($(date +%s%N) - began) / 1000000))
        echo "wheel to first answer: $took ms"
        [ "$took" -gt 3000 ] || break
    done
    [ "$took" -le 3000 ] || fail "the first answer took $took ms, at most 3000"
    notices "$(find "$root/venv/lib" -name THIRD-PARTY-LICENSES)"
}

for package in "$@"; do
    package=$(realpath "$package")
    (cd "$(dirname "$package")" && sha256sum --quiet --check "$(basename "$package").sha256")
    root=$scratch/root
    rm -rf "$root"
    mkdir "$root"
    case $package in
        *.tar.gz) tarball ;;
        *.deb) deb ;;
        *.rpm) rpm_ ;;
        *.whl) wheel ;;
        *) fail "no package" ;;
    esac
    echo "$(basename "$package") is right, $(($(stat -c %s "$package") / 1024)) KiB"
done
