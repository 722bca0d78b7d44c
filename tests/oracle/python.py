"""Start the case's Python program as an operator would: `python3` on the application's main file.

The program lies in /srv/app; its main file is `main.py`. The libraries come from
python-requirements.txt beside this file, once, into a cache outside the repository.
"""
import fcntl
import hashlib
import os
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


def truth(case, root):
    subprocess.run(["mount", "--bind", os.path.join(root, "srv"), "/srv"], check=True)
    empty("/tmp")
    python = os.path.join(environment(), "bin", "python")
    with open("/tmp/said", "w+") as said:
        process = subprocess.Popen([python, "main.py"], cwd="/srv/app", stdout=said, stderr=said,
                                   stdin=subprocess.DEVNULL,
                                   env={"PATH": os.environ["PATH"], "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"})
        found = settled(process)
        said.seek(0)
        lines = said.read().splitlines()
    refused = None
    if process.poll():
        refused = next((line for line in reversed(lines) if "Error" in line), "\n".join(lines[-3:]))
    return {"server": run(python, "--version").stdout.strip(),
            "listeners": [] if refused else found, "refused": refused}
