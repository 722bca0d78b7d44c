#!/usr/bin/env bash
# Commits to a small repository with our hooks, by the real pre-commit.
# Usage: tests/around/pre-commit.sh HOOK, with backlog-audit and pre-commit on PATH
set -euo pipefail
hook=$1
ours=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PRE_COMMIT_HOME=$scratch/home
export GIT_CONFIG_GLOBAL=$scratch/gitconfig GIT_CONFIG_SYSTEM=/dev/null
git config --global user.name test
git config --global user.email test@example.invalid
git config --global init.defaultBranch main
git config --global safe.directory '*'

fail() { printf '%s\n' "$*" "$(cat "$scratch/said")" >&2; exit 1; }

# Our hooks as they are now, in a repository of their own: pre-commit takes them from a commit.
git clone --quiet "$ours" "$scratch/hooks"
git -C "$ours" ls-files -z --cached --others --exclude-standard | tar -C "$ours" --null -T - -cf - | tar -C "$scratch/hooks" -xf -
git -C "$scratch/hooks" add --all
git -C "$scratch/hooks" commit --quiet --allow-empty --message now

mkdir "$scratch/repository"
cd "$scratch/repository"
git init --quiet
cat > .pre-commit-config.yaml <<CONFIG
repos:
  - repo: $scratch/hooks
    rev: $(git -C "$scratch/hooks" rev-parse HEAD)
    hooks:
      - id: $hook
CONFIG
mkdir -p deploy/sysctl.d
echo 'net.core.somaxconn = 4096' > deploy/sysctl.d/30-web.conf
printf 'events {}\nhttp { server { listen 80 backlog=4096; } }\n' > deploy/nginx.conf
git add --all
pre-commit install > "$scratch/said" 2>&1 || fail "pre-commit install"

git commit --message right > "$scratch/said" 2>&1 || fail "a commit without findings is refused"
grep -q 'Passed' "$scratch/said" || fail "the hook did not run"

# The finding is about a file that is not part of the commit.
echo 'net.core.somaxconn = 128' > deploy/sysctl.d/30-web.conf
git add --all
if git commit --message wrong > "$scratch/said" 2>&1; then fail "a commit with a finding is let through"; fi
grep -q 'queue-clamped' "$scratch/said" || fail "the finding is not shown"
grep -q 'deploy/nginx.conf' "$scratch/said" || fail "the file that takes part is not shown"
[ "$(git rev-list --count HEAD)" -eq 1 ] || fail "it was committed all the same"
echo "pre-commit runs $hook"
