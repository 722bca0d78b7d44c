"""Start the case's Python program as an operator would: by the unit in etc/systemd/system, or `python3` on the main file.

The program lies in /srv/app; its main file is `main.py`. A unit is one of WorkingDirectory=/srv/app. The libraries come from
python-requirements.txt beside this file, once, into a cache outside the repository.
"""
import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import sys

from capture import empty, run, settled

HERE = os.path.dirname(os.path.abspath(__file__))
REQUIREMENTS = os.path.join(HERE, "python-requirements.txt")


def environment():
    """Where the libraries of this very list are, or will be, for this very Python."""
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    with open(REQUIREMENTS, "rb") as file:
        name = hashlib.sha256(file.read() + sys.version.encode()).hexdigest()[:16]
    return os.path.join(caches, "backlog-audit", "python-" + name)


def install():
    folder = environment()
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(os.path.join(folder, "complete")):
            return
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([os.path.join(folder, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check",
                        "--only-binary", ":all:", "--requirement", REQUIREMENTS], check=True)
        open(os.path.join(folder, "complete"), "w").close()


def command(root):
    """The words of the unit, its program being that of the libraries' environment; the main file without a unit."""
    programs = os.path.join(environment(), "bin")
    words, variables = ["python", "main.py"], {}
    path = os.path.join(root, "etc/systemd/system/app.service")
    if os.path.exists(path):
        with open(path) as file:
            for line in file:
                key, _, value = line.strip().partition("=")
                if key == "ExecStart":
                    words = shlex.split(value)
                elif key == "Environment":
                    variables.update(pair.split("=", 1) for pair in shlex.split(value))
    return [os.path.join(programs, os.path.basename(words[0])), *words[1:]], variables


def truth(case, root):
    words, variables = command(root)
    python = os.path.join(environment(), "bin", "python")
    subprocess.run(["mount", "--bind", os.path.join(root, "srv"), "/srv"], check=True)
    empty("/tmp")
    with open("/tmp/said", "w+") as said:
        process = subprocess.Popen(words, cwd="/srv/app", stdout=said, stderr=said,
                                   stdin=subprocess.DEVNULL,
                                   env={"PATH": os.environ["PATH"], "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1",
                                        **variables})
        found = settled(process)
        said.seek(0)
        lines = said.read().splitlines()
    refused = None
    if process.poll():
        refused = next((line for line in reversed(lines) if "Error" in line), "\n".join(lines[-3:]))
    return {"server": run(python, "--version").stdout.strip(),
            "listeners": [] if refused else found, "refused": refused}
