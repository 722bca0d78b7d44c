"""Start the case's nginx as root, as Debian built it: it reads /etc/nginx/nginx.conf.

Includes may lead to /opt, /srv and Debian's list of modules; sockets belong in /run. The machine
is made to have two CPUs, so that `worker_processes auto` means the same everywhere.
"""
import re
import resource
import subprocess
import tempfile

from machine import bind, bind_present, empty, listeners, package, record, spawn, two_processors

PACKAGES = "nginx libnginx-mod-stream libnginx-mod-mail"
ELSEWHERE = ["opt", "srv", "usr/share/nginx/modules-available"]
PATIENCE = 4  # seconds; an address in use is tried five times, 500 ms apart


def truth(case, root):
    bind(root, "etc/nginx")
    bind_present(root, *ELSEWHERE)
    empty("/var/log/nginx")
    two_processors()
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        nginx = spawn(["nginx"], said, cwd="/", preexec_fn=few_files)
        try:
            nginx.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            pass  # `daemon off` stays in the foreground
        said.seek(0)
        refused = reason(said.read()) if nginx.returncode else None
    return record(package("nginx"), listeners(), refused)


def few_files():
    """systemd's default: an include cycle ends in `Too many open files`, not in a deep stack."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))


def reason(said):
    """The first emergency alone: in a log, the time and the process stand before it."""
    found = re.search(r"\[(?:emerg|crit)\] (?:\d+#\d+: )?(.*)", said)
    return found.group(1) if found else said.strip()
