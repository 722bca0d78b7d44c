"""Start Debian's Caddy as the case's unit does, else on its /etc/caddy/Caddyfile. It keeps its certificates in memory, and
trusts them nowhere."""
import json

import start_unit
from machine import SILENT, bind, empty, ended, record, run, start

PACKAGES = "caddy"
ARGV = ["caddy", "run", "--environ", "--config", "/etc/caddy/Caddyfile"]


def version():
    return "Caddy %s" % run("caddy", "version").stdout.split()[0]


def truth(case, root):
    bind(root, "etc/caddy")
    empty("/usr/local/share/ca-certificates", "/etc/ssl/certs", "/run/home", "/run/tools")
    home = {"HOME": "/run/home", "XDG_CONFIG_HOME": "/run/home", "XDG_DATA_HOME": "/run/home",
            "PATH": "/usr/bin:/bin"}
    unit = start_unit.unit(root, "caddy")
    process, found, said = start(unit.words or ARGV, quiet=1.5, limit=8, env=home)
    return record(version(), found, reason(said) if ended(process) else None)


def reason(said):
    last = (said.splitlines() or [SILENT])[-1]
    try:
        return json.loads(last).get("msg", last)
    except ValueError:
        return last
