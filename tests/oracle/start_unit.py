"""What the one unit of a case starts, as systemd would: the words of its ExecStart, its environment and its folder.

Simple units only: one ExecStart, plain quotes, Environment lines, WorkingDirectory.
"""
import fcntl
import glob
import os
import re
import shlex
import socket
import subprocess

import pypi
from capture import bind, empty, settled

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


def lay(root, *requirements):
    """PyPI's packages as /opt/venv, and the case's application in /srv/app: app:wsgi or app:asgi where it has none."""
    empty("/opt")
    os.mkdir("/opt/venv")
    subprocess.run(["mount", "--bind", pypi.folder(*requirements), "/opt/venv"], check=True)
    app = os.path.join(root, "srv", "app")
    os.makedirs(app, exist_ok=True)
    if not os.path.exists(os.path.join(app, "app.py")):
        with open(os.path.join(app, "app.py"), "w") as file:
            file.write(APP)
    bind(root, "srv")


def read(root):
    (path,) = glob.glob(os.path.join(glob.escape(root), "etc/systemd/system/*.service"))
    with open(path) as file:
        lines = [line.strip().split("=", 1) for line in file.read().replace("\\\n", " ").splitlines()
                 if "=" in line and not line.startswith("#")]
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp"}
    for key, value in lines:
        if key == "Environment":
            environment.update(word.split("=", 1) for word in shlex.split(value))
    named = dict(lines)
    return shlex.split(named["ExecStart"]), environment, named.get("WorkingDirectory", "/")


def sockets(root):
    """The numbers, from 3 upwards, of the sockets of a `.socket` unit beside it: unix paths and addresses of IPv4."""
    found, backlog = [], 4096
    for path in glob.glob(os.path.join(glob.escape(root), "etc/systemd/system/*.socket")):
        with open(path) as file:
            lines = [line.strip().split("=", 1) for line in file if "=" in line]
        backlog = int(dict(lines).get("Backlog", backlog))
        for address in [value for key, value in lines if key == "ListenStream"]:
            unix = address.startswith("/")
            it = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
            it.bind(address if unix else (address.split(":")[0], int(address.split(":")[1])))
            it.listen(backlog)
            # Nothing else is open yet.
            found.append(fcntl.fcntl(it.detach(), fcntl.F_DUPFD, 50))
    for number, it in enumerate(found, 3):
        os.dup2(it, number)
        os.close(it)
    return list(range(3, 3 + len(found)))


def start(root, settle=1.0):
    """Start it and wait; the answer is what listens, and the last word of a process that has ended."""
    words, environment, folder = read(root)
    given = sockets(root)
    empty("/tmp")
    environment.update({"LISTEN_FDS": str(len(given))} if given else {})
    if given:
        # As systemd does: from 3 upwards, for the process that the words become.
        words = ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", *words]
    with open("/tmp/said", "w+", errors="replace") as said:
        process = subprocess.Popen(words, env=environment, cwd=folder, stdin=subprocess.DEVNULL,
                                   stdout=said, stderr=said, start_new_session=True, pass_fds=given)
        for number in given:
            os.close(number)
        found = settled(process, quiet=settle)
        ended = process.poll() is not None
        said.seek(0)
        lines = [line.strip() for line in said.read().splitlines() if line.strip()]
    # Without the time and the process of a log.
    last = re.sub(r"^(\[[^]]*\] )+", "", (lines or ["ended without a word"])[-1])
    refused = last if ended else None
    return {"listeners": [] if refused else found, "refused": refused}
