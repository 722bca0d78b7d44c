#!/bin/bash
# Cuts a version: writes its number wherever it stands, dates its section of the changelog, checks, commits and tags.
# Usage: packaging/release.sh VERSION, on a clean checkout. Nothing is pushed or published: it says how at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:?usage: packaging/release.sh VERSION}
fail() { echo "$*" >&2; exit 1; }

[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "$version is no version: three numbers with dots between them"
[ -z "$(git status --porcelain)" ] || fail "there are changes that are not committed"
old=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
[ "$version" = "$old" ] || [ "$(printf '%s\n' "$old" "$version" | sort -V | tail -n 1)" = "$version" ] ||
    fail "$version is older than $old"
if git rev-parse --quiet --verify "refs/tags/v$version" > /dev/null; then fail "v$version exists already"; fi
grep -q '^## Unreleased$' CHANGELOG.md || fail "CHANGELOG.md has no section '## Unreleased'"
sed -n '/^## Unreleased$/,/^## [0-9]/p' CHANGELOG.md | grep -q '^- ' || fail "CHANGELOG.md says nothing of this version"

# Where a number stands that is the version; tests/packaging.rs holds them equal.
sed -i "0,/^version = \".*\"$/s//version = \"$version\"/" Cargo.toml pyproject.toml
sed -i "s/\"backlog-audit==.*\"/\"backlog-audit==$version\"/" pyproject.toml
sed -i "s/\(backlog-audit:\)[0-9][0-9.]*$/\1$version/" docs/ci.md templates/backlog-audit.gitlab-ci.yml
sed -i "s/^\(    rev: v\)[0-9][0-9.]*$/\1$version/" docs/ci.md
sed -i "s/^## Unreleased$/## Unreleased\n\n## $version - $(date -u +%Y-%m-%d)/" CHANGELOG.md
for manifest in Cargo.toml fuzz/Cargo.toml; do cargo update --quiet --package backlog-audit --manifest-path "$manifest"; done

# What a release needs beside the gate, which the commit before has passed.
cargo test --quiet --locked --test packaging --test docs
cargo publish --quiet --locked --dry-run --allow-dirty
git add --update
git commit --quiet --message "Release $version"
git tag --annotate --message "backlog-audit $version" "v$version"
cat << END
v$version is committed and tagged. To give it away:
  git push origin HEAD v$version   # .github/workflows/release.yml builds and publishes the packages, the wheels and the image
  cargo publish --locked           # the crate
To take it back before that: git tag --delete v$version && git reset --hard HEAD~
END
