"""Boot the case's units with the real systemd and record what their programs are started with.

systemd runs as process 1 of its own namespaces, with the case's folders laid over this machine's.
Every unit of the case is wanted by one target. Its programs are all one recorder: /opt/app/run.
"""
import glob
import json
import os
import shutil
import signal
import subprocess
import time

from machine import bind, bind_present, empty, private, write

# Two systemds that come up at once can get in each other's way in the control groups.
JOBS = 1
FOLDERS = ["etc/systemd", "usr/local/lib/systemd/system", "usr/lib/systemd/system"]
SYSTEMD = "/lib/systemd/systemd"
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
             for kind in ("*.service", "*.socket") for path in glob.glob(os.path.join(place, inner, kind))]
    return sorted({os.path.basename(path) for path in found if "@." not in path})


def prepare(root):
    private()
    empty("/run", "/opt", "/usr/lib/systemd/system-generators")
    bind(root, *FOLDERS)
    bind_present(root, *FILES)
    if os.path.isdir(os.path.join(root, "run")):
        shutil.copytree(os.path.join(root, "run"), "/run", symlinks=True, dirs_exist_ok=True)
    for path in ("/opt/app", "/run/record", "/run/probe", "/run/systemd/system-generators"):
        os.makedirs(path, exist_ok=True)
    for path in ("/opt/app/run", "/opt/app/other"):
        write(path, RECORDER)
        os.chmod(path, 0o755)
    want("/run/systemd/system-generators/probe")


def want(generator):
    """One target that wants every unit of the case."""
    write(generator, GENERATOR)
    os.chmod(generator, 0o755)
    names = " ".join(units())
    write("/run/probe/probe.target", "[Unit]\nDefaultDependencies=no\nWants=%s probe-end.service\n" % names)
    write("/run/probe/probe-end.service",
          "[Unit]\nDefaultDependencies=no\nAfter=%s\n[Service]\nType=oneshot\n"
          "ExecStart=/bin/touch /run/ended\n" % names)


def systemd():
    """The real one; nothing of it outlives the record."""
    argv = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--cgroup", "--uts", "--ipc",
            SYSTEMD, "--system", "--unit=probe.target"]
    return subprocess.Popen(argv, env={"container": "oracle", "PATH": os.environ["PATH"]},
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def row(recorded, limited):
    """Limits that no file of the case sets are this machine's."""
    environment = {name: value for name, value in recorded["environment"].items() if name not in OWN}
    return {**recorded, "environment": environment,
            "open_files": recorded["open_files"] if limited else None}


def starting():
    """Whether a program of the case is on its way: forked, or not done with its record."""
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                line = file.read()
        except OSError:
            continue
        if b"/opt/app/" in line or line.startswith((b"(run)", b"(other)")):
            return True
    return False


def limited(root):
    paths = [os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names]
    return any("LimitNOFILE" in open(path, errors="replace").read()
               for path in paths if os.path.isfile(path))


def truth(case, root):
    process = systemd()
    end, quiet = time.time() + 60, 0
    while time.time() < end and process.poll() is None and quiet < 10:
        quiet = quiet + 1 if os.path.exists("/run/ended") and not starting() else 0
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    if quiet < 10:
        raise RuntimeError("systemd has not come to an end")
    found = {}
    for path in sorted(glob.glob("/run/record/*")):
        with open(path) as file:
            found[os.path.basename(path)] = [row(json.loads(line), limited(root)) for line in file]
    version = subprocess.run([SYSTEMD, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return {"units": found, "server": " ".join(version.split()[:2])}
