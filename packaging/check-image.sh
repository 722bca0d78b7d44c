#!/bin/bash
# Makes an image as the last stage of the Dockerfile does, with a program that is built already, and runs it under a dockerd of
# its own: no registry is asked, so Debian's busybox and git stand in for Alpine's.
# Usage: packaging/check-image.sh PROGRAM; as root, with docker.io, busybox-static and git of Debian.
set -euo pipefail
program=$(realpath "$1")
cd "$(dirname "$0")/.."
if [ -z "${INSIDE:-}" ]; then
    INSIDE=$(mktemp -d)
    trap 'rmdir "$INSIDE"' EXIT
    export INSIDE
    # The last of these ends, and with it all that it started and mounted.
    unshare --mount --net --pid --fork --mount-proc "$0" "$program"
    exit
fi
scratch=$INSIDE
mount -t tmpfs tmpfs "$scratch"
root=$scratch/root
stage=$(sed -n '/^FROM alpine/,$p' Dockerfile)
[ "$(grep -c '^[A-Z]' <<< "$stage")" -eq 6 ] || { echo "the last stage of the Dockerfile has other steps than this knows" >&2; exit 1; }

# A shell, git and what it needs.
mkdir -p "$root"/{bin,etc,root,tmp,usr/bin,usr/local/bin}
cp /bin/busybox "$root/bin/"
for applet in sh cat grep sed cp mkdir test; do ln -s busybox "$root/bin/$applet"; done
cp /usr/bin/git "$root/usr/bin/"
for library in $(ldd /usr/bin/git | grep -o '/[^ ]*'); do
    mkdir -p "$root/$(dirname "$library")"
    cp -L "$library" "$root/$library"
done
echo 'root:x:0:0:root:/root:/bin/sh' > "$root/etc/passwd"
# COPY --from=program /backlog-audit /usr/local/bin/
cp "$program" "$root/$(sed -n 's#^COPY --from=program /backlog-audit /##p' <<< "$stage")backlog-audit"
mapfile -t changes < <(grep -E '^(WORKDIR|ENTRYPOINT|CMD) ' <<< "$stage" | sed 's/^/--change=/')

ip link set lo up
export DOCKER_HOST=unix://$scratch/docker.sock
dockerd --host "$DOCKER_HOST" --data-root "$scratch/data" --exec-root "$scratch/exec" --pidfile "$scratch/pid" \
    --iptables=false --ip6tables=false --bridge=none --storage-driver=vfs > "$scratch/log" 2>&1 &
for _ in $(seq 100); do
    if docker info > /dev/null 2>&1; then break; fi
    sleep 0.2
done
fail() { echo "$*" >&2; tail -n 20 "$scratch/log" >&2; exit 1; }
docker info > /dev/null 2>&1 || fail "dockerd does not start"
tar -C "$root" -c . | docker import "${changes[@]}" - backlog-audit > /dev/null

# As docs/ci.md says: the repository is mounted, and the image's own command audits it.
cp -R examples/host "$scratch/repository"
inside() { docker run --rm --network none --volume "$scratch/repository:/repository" "$@"; }
status=0
inside backlog-audit > "$scratch/said" || status=$?
if [ "$status" -ne 1 ] || ! grep -q queue-clamped "$scratch/said"; then fail "the image's command ended with $status"; fi
# A job of a pipeline has the shell as its entrypoint.
inside --entrypoint sh backlog-audit -c 'backlog-audit --version && git --version' > "$scratch/said" || fail "no shell or git"
# shellcheck disable=SC2016 # what the other shell knows
inside --entrypoint sh backlog-audit -ec '
    git config --global user.name test
    git config --global user.email test@example.invalid
    git config --global --add safe.directory /repository
    git init --quiet && git add --all && git commit --quiet --message as-it-is
    backlog-audit --offline --quiet --changed-since HEAD .
' > "$scratch/said" 2>&1 || fail "--changed-since: $(cat "$scratch/said")"
echo "the image runs, $(docker image inspect --format '{{.Size}}' backlog-audit) bytes"
