"""Start the case's programs with the real supervisord and record what each is started with.

Its programs are all one recorder: /opt/app/run. The package comes from PyPI.
"""
import fcntl
import glob
import json
import os
import signal
import subprocess
import sys
import time

from capture import bind, empty, write

VERSION = "4.3.0"
HOME = os.path.join(os.path.expanduser("~"), ".cache", "backlog-audit-oracle", "supervisor-" + VERSION)
# What supervisord sets for each program.
OWN = ("PATH", "SUPERVISOR_ENABLED", "SUPERVISOR_PROCESS_NAME", "SUPERVISOR_GROUP_NAME",
       "SUPERVISOR_SERVER_URL", "LC_CTYPE")
RECORDER = """#!/usr/bin/python3 -ISE
import json, os, sys
row = {"argv": sys.argv, "folder": os.getcwd(), "environment": dict(os.environ)}
with open("/run/record/" + os.environ["SUPERVISOR_GROUP_NAME"] + "-" + str(os.getpid()), "w") as file:
    file.write(json.dumps(row))
"""


def install():
    os.makedirs(os.path.dirname(HOME), exist_ok=True)
    with open(HOME + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(HOME):
            fresh = HOME + ".new"
            subprocess.run([sys.executable, "-m", "venv", fresh], check=True)
            subprocess.run([fresh + "/bin/pip", "install", "-q", "supervisor==" + VERSION, "setuptools<81"],
                           check=True)
            os.rename(fresh, HOME)


def prepare(root):
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    empty("/run", "/opt", "/var/log")
    bind(root, *[name for name in ("etc/supervisor", "etc/supervisord.conf", "etc/supervisord.d")
                 if os.path.exists(os.path.join(root, name))])
    for path in ("/opt/app/bin", "/run/record"):
        os.makedirs(path)
    write("/opt/app/run", RECORDER)
    os.chmod("/opt/app/run", 0o755)


def row(path):
    with open(path) as file:
        recorded = json.load(file)
    environment = {name: value for name, value in recorded["environment"].items() if name not in OWN}
    return {**recorded, "environment": environment}


def truth(case, root):
    config = next(path for path in ("/etc/supervisor/supervisord.conf", "/etc/supervisord.conf")
                  if os.path.exists(path))
    argv = [HOME + "/bin/python", "-m", "supervisor.supervisord", "--nodaemon", "-c", config]
    with open("/run/said", "w") as said:
        process = subprocess.Popen(argv, cwd="/", env={"PATH": os.environ["PATH"]}, stdout=said, stderr=said)
    count, since, end = -1, time.time(), time.time() + 20
    while time.time() < end and process.poll() is None and time.time() - since < 2:
        now = len(os.listdir("/run/record"))
        count, since = (now, time.time()) if now != count else (count, since)
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with open("/run/said", errors="replace") as file:
        said = file.read()
    found = {}
    for path in sorted(glob.glob("/run/record/*")):
        found.setdefault(os.path.basename(path).rsplit("-", 1)[0], []).append(row(path))
    for rows in found.values():
        rows.sort(key=lambda row: row["argv"])
    refused = next((line for line in said.splitlines() if line.startswith("Error")), None)
    return {"programs": found, "refused": refused, "server": "supervisor " + VERSION}
