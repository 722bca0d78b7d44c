"""Start the case's nginx as root, as Debian built it: it reads /etc/nginx/nginx.conf.

Includes may lead to /opt, /srv and Debian's list of modules; sockets belong in /run. The machine
is made to have two CPUs, so that `worker_processes auto` means the same everywhere.
"""
import os
import re
import resource
import subprocess
import tempfile

from capture import bind, empty, listeners, run

ELSEWHERE = ["opt", "srv", "usr/share/nginx/modules-available"]
ONLINE = "/sys/devices/system/cpu/online"  # what sysconf(_SC_NPROCESSORS_ONLN) reads
PATIENCE = 4  # seconds; an address in use is tried five times, 500 ms apart


def truth(case, root):
    bind(root, "etc/nginx", *(p for p in ELSEWHERE if os.path.isdir(os.path.join(root, p))))
    empty("/var/log/nginx")
    two_processors()
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        nginx = subprocess.Popen(["nginx"], cwd="/", preexec_fn=few_files,
                                 stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            nginx.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            pass  # `daemon off` stays in the foreground
        said.seek(0)
        refused = reason(said.read()) if nginx.returncode else None
    return {"server": run("dpkg-query", "-W", "nginx").stdout.strip().replace("\t", " "),
            "listeners": [] if refused else listeners(), "refused": refused}


def few_files():
    """systemd's default: an include cycle ends in `Too many open files`, not in a deep stack."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))


def two_processors():
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("0-1\n")
        file.flush()
        subprocess.run(["mount", "--bind", file.name, ONLINE], check=True)


def reason(said):
    """The first emergency alone: in a log, the time and the process stand before it."""
    found = re.search(r"\[(?:emerg|crit)\] (?:\d+#\d+: )?(.*)", said)
    return found.group(1) if found else said.strip()
