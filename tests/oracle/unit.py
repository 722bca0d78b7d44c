"""Boot the case's units with the real systemd and record what their programs are started with.

systemd runs as process 1 of its own namespaces, with the case's folders laid over this machine's.
Every unit of the case is wanted by one target. Its programs are all one recorder: /opt/app/run.
"""
import glob
import json
import os
import resource
import shutil
import signal
import subprocess
import time

from capture import bind, empty, write

FOLDERS = ["etc/systemd", "usr/local/lib/systemd/system", "usr/lib/systemd/system"]
FILES = ["etc/default", "etc/hostname"]
# What systemd itself sets (systemd.exec(5)).
OWN = ("PATH", "LANG", "USER", "LOGNAME", "HOME", "SHELL", "INVOCATION_ID", "JOURNAL_STREAM",
       "SYSTEMD_EXEC_PID", "LC_CTYPE")
RECORDER = """#!/usr/bin/python3 -ISE
import json, os, re, resource, sys
unit = re.search(r"name=systemd:.*/([^/\\n]+)", open("/proc/self/cgroup").read()).group(1)
row = {"argv": sys.argv, "folder": os.getcwd(), "environment": dict(os.environ),
       "open_files": resource.getrlimit(resource.RLIMIT_NOFILE)}
with open("/run/record/" + unit, "a") as file:
    file.write(json.dumps(row) + "\\n")
"""
# Units that all others depend on, in the place that counts least.
GENERATOR = """#!/bin/sh
for name in sysinit basic shutdown network; do
    printf '[Unit]\\nDefaultDependencies=no\\n' > "$3/$name.target"
done
cp /run/probe/* "$3/"
"""


def units():
    """Every name that somebody could start, and every instance that something wants."""
    places = ["/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
              "/usr/lib/systemd/system"]
    found = [path for place in places for inner in ("", "*.wants", "*.requires")
             for path in glob.glob(os.path.join(place, inner, "*.service"))]
    return sorted({os.path.basename(path) for path in found if "@." not in path})


def prepare(root):
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    empty("/run", "/opt", "/usr/lib/systemd/system-generators")
    bind(root, *FOLDERS)
    bind(root, *[path for path in FILES if os.path.exists(os.path.join(root, path))])
    if os.path.isdir(os.path.join(root, "run")):
        shutil.copytree(os.path.join(root, "run"), "/run", symlinks=True, dirs_exist_ok=True)
    for path in ("/opt/app", "/run/record", "/run/probe", "/run/systemd/system-generators"):
        os.makedirs(path, exist_ok=True)
    for path in ("/opt/app/run", "/opt/app/other"):
        write(path, RECORDER)
        os.chmod(path, 0o755)
    write("/run/systemd/system-generators/probe", GENERATOR)
    os.chmod("/run/systemd/system-generators/probe", 0o755)
    names = " ".join(units())
    write("/run/probe/probe.target", "[Unit]\nDefaultDependencies=no\nWants=%s probe-end.service\n" % names)
    write("/run/probe/probe-end.service",
          "[Unit]\nDefaultDependencies=no\nAfter=%s\n[Service]\nType=oneshot\n"
          "ExecStart=/bin/touch /run/ended\n" % names)


def systemd():
    """The real one; nothing of it outlives the record."""
    argv = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--cgroup", "--uts", "--ipc",
            "/lib/systemd/systemd", "--system", "--unit=probe.target"]
    return subprocess.Popen(argv, env={"container": "oracle", "PATH": os.environ["PATH"]},
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def row(recorded):
    environment = {name: value for name, value in recorded["environment"].items() if name not in OWN}
    # systemd's own limits, which end at those of this machine (system.conf(5): DefaultLimitNOFILE).
    outer = (resource.getrlimit(resource.RLIMIT_NOFILE)[1], 524288)
    soft, hard = recorded["open_files"]
    limits = None if soft == 1024 and hard in outer else [soft, hard]
    return {**recorded, "environment": environment, "open_files": limits}


def truth(case, root):
    process = systemd()
    end = time.time() + 40
    while time.time() < end and not os.path.exists("/run/ended") and process.poll() is None:
        time.sleep(0.1)
    # What is no oneshot may still be on its way to the recorder.
    time.sleep(1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    if not os.path.exists("/run/ended"):
        raise RuntimeError("systemd has not come to an end")
    found = {}
    for path in sorted(glob.glob("/run/record/*")):
        with open(path) as file:
            found[os.path.basename(path)] = [row(json.loads(line)) for line in file]
    return {"units": found, "server": "systemd 252"}
