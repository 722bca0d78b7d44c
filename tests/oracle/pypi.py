"""Programs of PyPI for the oracle: a virtual environment for each list of requirements, made once, in a
cache outside the repository."""
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys


def folder(*requirements):
    """Where the environment of these very requirements is, or will be."""
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    wanted = "\n".join((sys.version, *sorted(requirements)))
    return os.path.join(caches, "backlog-audit", "pypi-" + hashlib.sha256(wanted.encode()).hexdigest()[:16])


def program(name, *requirements):
    return os.path.join(folder(*requirements), "bin", name)


def install(*requirements):
    place = folder(*requirements)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(os.path.join(place, "complete")):
            return
        shutil.rmtree(place, ignore_errors=True)
        # Scripts of an environment name their interpreter by its path, so it is made where it stays.
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        subprocess.run([os.path.join(place, "bin", "pip"), "install", "--quiet",
                        "--disable-pip-version-check", *requirements], check=True)
        open(os.path.join(place, "complete"), "w").close()
