"""What the units of a case start, as systemd would: the words of ExecStart, the environment, the folder, the open files.

Of systemd's language only what the cases use: continued lines, plain quotes, drop-ins, EnvironmentFile, $NAME and ${NAME}.
"""
import collections
import fcntl
import glob
import os
import re
import resource
import shlex
import socket

from cache import Pypi
from machine import SILENT, bind, empty, ended, mount, read, record, start

FOLDERS = ["etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"]
# DefaultLimitNOFILE=.
OPEN_FILES = (1024, 524288)
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
Unit = collections.namedtuple("Unit", "words environment folder open_files")


# ---------------------------------------------------------------- reading


def found(root, pattern):
    return [path for folder in FOLDERS
            for path in sorted(glob.glob(os.path.join(glob.escape(root), folder, pattern)))]


def files(root, name):
    """The service of that name, the one of /etc before a packaged one, and its drop-ins."""
    return found(root, name + ".service")[:1] + sorted(found(root, name + ".service.d/*.conf"), key=os.path.basename)


def assignments(*paths):
    for path in paths:
        for line in read(path).replace("\\\n", " ").splitlines():
            key, sign, value = line.strip().partition("=")
            if sign and not key.startswith(("#", ";")):
                yield key, value


def unit(root, name="*"):
    """The one service of that name; without words where the case has none."""
    words, environment, from_files, folder, open_files = [], {}, {}, "/", OPEN_FILES
    for key, value in assignments(*files(root, name)):
        if key == "ExecStart":
            words = shlex.split(value)
        elif key == "WorkingDirectory":
            folder = value
        elif key == "Environment":
            environment.update(word.split("=", 1) for word in shlex.split(value))
        elif key == "EnvironmentFile":
            path = os.path.join(root, value.lstrip("-/"))
            from_files.update((name, unquoted(text)) for name, text in assignments(*filter(os.path.exists, [path])))
        elif key == "LimitNOFILE":
            open_files = tuple(map(int, (value.split(":") * 2)[:2]))
    environment.update(from_files)
    words = [part for word in words for part in expanded(word, environment)]
    return Unit(words, environment, folder, allowed(open_files))


def unquoted(text):
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def expanded(word, environment):
    """`$NAME` as a word of its own is as many words as it says, `${NAME}` stays one."""
    if re.fullmatch(r"\$\w+", word):
        return shlex.split(environment.get(word[1:], ""))
    return [re.sub(r"\$\{(\w+)\}", lambda name: environment.get(name.group(1), ""), word)]


def allowed(limits):
    """A container may not raise its hard limit: half of it is above somaxconn all the same."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return tuple(limit if most < 0 else min(limit, most) for limit in limits)


def sockets(root):
    """The numbers, from 3 upwards, of the sockets of a `.socket` unit beside it: unix paths and addresses of IPv4."""
    opened, backlog = [], 4096
    for path in found(root, "*.socket"):
        lines = list(assignments(path))
        backlog = int(dict(lines).get("Backlog", backlog))
        for address in [value for key, value in lines if key == "ListenStream"]:
            unix = address.startswith("/")
            it = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
            it.bind(address if unix else (address.split(":")[0], int(address.split(":")[1])))
            it.listen(backlog)
            # Nothing else is open yet.
            opened.append(fcntl.fcntl(it.detach(), fcntl.F_DUPFD, 50))
    for number, it in enumerate(opened, 3):
        os.dup2(it, number)
        os.close(it)
    return list(range(3, 3 + len(opened)))


def handed(root, words):
    """The words, the environment and the numbers of what is handed to the process that the words become, as systemd does."""
    given = sockets(root)
    if not given:
        return words, {}, given
    return ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", *words], {"LISTEN_FDS": str(len(given))}, given


# ---------------------------------------------------------------- starting


def lay(root, environment):
    """PyPI's packages as /opt/venv, and the case's application in /srv/app: app:wsgi or app:asgi where it has none."""
    empty("/opt")
    os.mkdir("/opt/venv")
    mount("--bind", environment.folder, "/opt/venv")
    app = os.path.join(root, "srv", "app")
    os.makedirs(app, exist_ok=True)
    if not os.path.exists(os.path.join(app, "app.py")):
        with open(os.path.join(app, "app.py"), "w") as file:
            file.write(APP)
    bind(root, "srv")


def run_unit(root, server, settle=1.0):
    """Start the one unit of the case and wait; a process that has ended refuses with its last word."""
    words, environment, folder, _ = unit(root)
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", **environment}
    words, more, given = handed(root, words)
    environment.update(more)
    empty("/tmp")
    started = start(words, quiet=settle, env=environment, cwd=folder, start_new_session=True, pass_fds=given)
    lines = [line.strip() for line in started.said.splitlines() if line.strip()]
    # Without the time and the process of a log.
    last = re.sub(r"^(\[[^]]*\] )+", "", (lines or [SILENT])[-1])
    return record(server, started.listeners, last if ended(started.process) else None)


def fixed(root, environments):
    """Of several environments the one that the case's requirements name, else the first."""
    path = os.path.join(root, "srv", "app", "requirements.txt")
    named = set(read(path).split()) if os.path.exists(path) else set()
    return next((one for one in environments if named & set(one.requirements)), environments[0])


def of_pypi(*requirements, older=()):
    """How a server of PyPI is installed, and the truth of a case whose unit starts it, or an older one that the case names."""
    environments = [Pypi(*requirements), *(Pypi(one) for one in older)]

    def install():
        for one in environments:
            one.install()

    def truth(case, root):
        environment = fixed(root, environments)
        lay(root, environment)
        return run_unit(root, str(environment))

    return install, truth
