"""Start Debian's Caddy on the case's /etc/caddy. It keeps its certificates in memory, and trusts them nowhere."""
import json
import os
import subprocess

from capture import bind, empty, run, settled

ARGV = ["caddy", "run", "--environ", "--config", "/etc/caddy/Caddyfile"]


def version():
    return "Caddy %s" % run("caddy", "version").stdout.split()[0]


def truth(case, root):
    bind(root, "etc/caddy")
    empty("/usr/local/share/ca-certificates", "/etc/ssl/certs", "/run/home", "/run/tools")
    home = {"HOME": "/run/home", "XDG_CONFIG_HOME": "/run/home", "XDG_DATA_HOME": "/run/home",
            "PATH": "/usr/bin:/bin"}
    with open("/run/said", "w+", errors="replace") as said:
        process = subprocess.Popen(ARGV, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=home)
        found = settled(process, quiet=1.5, limit=8)
        said.seek(0)
        lines = said.read().splitlines()
    if process.poll() is None:
        return {"server": version(), "listeners": found, "refused": None}
    last = lines[-1] if lines else "ended without a word"
    try:
        last = json.loads(last).get("msg", last)
    except ValueError:
        pass
    return {"server": version(), "listeners": [], "refused": last}
