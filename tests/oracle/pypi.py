"""Servers of PyPI: each set of pinned packages in a virtual environment of its own, made once, outside the repository."""
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys

from capture import bind, empty

APP = '''def wsgi(environ, start):
    start("200 OK", [])
    return [b""]


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            event = (await receive())["type"]
            await send({"type": event + ".complete"})
            if event == "lifespan.shutdown":
                return
'''


def folder(packages):
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    name = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:16]
    return os.path.join(caches, "backlog-audit", "pypi-" + name)


def install(packages):
    made = folder(packages)
    os.makedirs(os.path.dirname(made), exist_ok=True)
    with open(made + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(os.path.join(made, "complete")):
            return
        shutil.rmtree(made, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", made], check=True)
        subprocess.run([os.path.join(made, "bin", "pip"), "install", "--quiet", *packages], check=True)
        open(os.path.join(made, "complete"), "w").close()


def lay(root, packages):
    """The packages as /opt/venv, and the case's application in /srv/app: app:wsgi or app:asgi where it has none."""
    empty("/opt")
    os.mkdir("/opt/venv")
    subprocess.run(["mount", "--bind", folder(packages), "/opt/venv"], check=True)
    app = os.path.join(root, "srv", "app")
    os.makedirs(app, exist_ok=True)
    if not os.path.exists(os.path.join(app, "app.py")):
        with open(os.path.join(app, "app.py"), "w") as file:
            file.write(APP)
    bind(root, "srv")
