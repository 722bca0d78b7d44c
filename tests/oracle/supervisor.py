"""Start the case's programs with the real supervisord and record what each is started with.

Its programs are all one recorder: /opt/app/run. The package comes from PyPI.
"""
import glob
import json
import os
import signal
import time

from cache import Pypi
from machine import bind_present, empty, private, read, spawn, write

ENVIRONMENT = Pypi("supervisor==4.3.0", "setuptools<81")
install = ENVIRONMENT.install
# What supervisord sets for each program.
OWN = ("PATH", "SUPERVISOR_ENABLED", "SUPERVISOR_PROCESS_NAME", "SUPERVISOR_GROUP_NAME",
       "SUPERVISOR_SERVER_URL", "LC_CTYPE")
RECORDER = """#!/usr/bin/python3 -ISE
import json, os, sys
row = {"argv": sys.argv, "folder": os.getcwd(), "environment": dict(os.environ)}
with open("/run/record/" + os.environ["SUPERVISOR_GROUP_NAME"] + "-" + str(os.getpid()), "w") as file:
    file.write(json.dumps(row))
"""


def prepare(root):
    private()
    empty("/run", "/opt", "/var/log")
    bind_present(root, "etc/supervisor", "etc/supervisord.conf", "etc/supervisord.d")
    for path in ("/opt/app/bin", "/run/record"):
        os.makedirs(path)
    write("/opt/app/run", RECORDER)
    os.chmod("/opt/app/run", 0o755)


def row(path):
    recorded = json.loads(read(path))
    environment = {name: value for name, value in recorded["environment"].items() if name not in OWN}
    return {**recorded, "environment": environment}


def truth(case, root):
    config = next(path for path in ("/etc/supervisor/supervisord.conf", "/etc/supervisord.conf")
                  if os.path.exists(path))
    argv = [ENVIRONMENT.program("python"), "-m", "supervisor.supervisord", "--nodaemon", "-c", config]
    with open("/run/said", "w") as said:
        process = spawn(argv, said, cwd="/", env={"PATH": os.environ["PATH"]})
    count, since, end = -1, time.time(), time.time() + 20
    # The first of them may take long to start.
    while time.time() < end and process.poll() is None and (count < 1 or time.time() - since < 2):
        now = len(os.listdir("/run/record"))
        count, since = (now, time.time()) if now != count else (count, since)
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    said = read("/run/said")
    found = {}
    for path in sorted(glob.glob("/run/record/*")):
        found.setdefault(os.path.basename(path).rsplit("-", 1)[0], []).append(row(path))
    for rows in found.values():
        rows.sort(key=lambda row: row["argv"])
    refused = next((line for line in said.splitlines() if line.startswith("Error")), None)
    return {"programs": found, "refused": refused, "server": str(ENVIRONMENT)}
