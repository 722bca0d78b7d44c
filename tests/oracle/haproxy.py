"""Start the case's HAProxy in the foreground: as its unit does where the case has one, else with
/etc/haproxy/haproxy.cfg. The hard limit of open files is the one that systemd sets."""
import os
import re
import resource
import shlex
import subprocess
import tempfile

from capture import bind, empty, listeners, run, settled

UNIT = "etc/systemd/system/haproxy.service"
ELSEWHERE = ["opt", "srv", "usr/local/etc/haproxy"]
OPEN_FILES = (1024, 524288)
COMPLAINT = re.compile(r"^\[(?:ALERT|WARNING)\]\s+\(\d+\) : (.*)", re.M)
ALERT = re.compile(r"^\[ALERT\]\s+\(\d+\) : (.*)", re.M)


def truth(case, root):
    bind(root, "etc/haproxy", *(p for p in ELSEWHERE if os.path.isdir(os.path.join(root, p))))
    for path in ("etc/default/haproxy", "etc/sysconfig/haproxy"):
        if os.path.isfile(os.path.join(root, path)):
            bind(root, path)
    os.makedirs("/run/haproxy")
    empty("/var/lib/haproxy")
    command, environment, limits = start(root)
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        haproxy = subprocess.Popen(
            command, cwd="/", env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, allowed(limits)))
        settled(haproxy, limit=8)
        said.seek(0)
        text = said.read()
    refused = (ALERT.findall(text) + ["ended without a word"])[0] if haproxy.poll() else None
    return {"server": run("dpkg-query", "-W", "haproxy").stdout.strip().replace("\t", " "),
            "listeners": [] if refused else spelled(listeners()), "refused": refused,
            "said": COMPLAINT.findall(text)}


def allowed(limits):
    """A container may not raise its hard limit: half of it is above somaxconn all the same."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return tuple(limit if most < 0 else min(limit, most) for limit in limits)


def start(root):
    """The command, its environment and its limits: what systemd makes of the lines that cases use."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    limits = OPEN_FILES
    try:
        with open(os.path.join(root, UNIT)) as file:
            lines = [line.strip().split("=", 1) for line in file if "=" in line]
    except FileNotFoundError:
        return ["haproxy", "-f", "/etc/haproxy/haproxy.cfg"], environment, limits
    for key, value in lines:
        if key == "Environment":
            environment.update(word.split("=", 1) for word in shlex.split(value))
        elif key == "LimitNOFILE":
            limits = tuple(map(int, (value.split(":") * 2)[:2]))
    for key, value in lines:
        if key == "EnvironmentFile" and os.path.exists(value.lstrip("-")):
            with open(value.lstrip("-")) as file:
                environment.update(shlex.split(line)[0].split("=", 1) for line in file
                                   if "=" in line and not line.startswith("#"))
    words = []
    for word in shlex.split(dict(lines)["ExecStart"]):
        name = re.fullmatch(r"\$(\w+)", word)
        words += environment.get(name.group(1), "").split() if name else [word]
    return words, environment, limits


def spelled(rows):
    """Addresses as they are configured. HAProxy binds a path as PATH.PID.tmp and renames the file, so
    that `ss` shows a name that is gone; an abstract name fills its field with zero bytes, which `ss`
    prints as @; and the interface that a socket is bound to is no part of its address."""
    found = {}
    for row in rows:
        address = row["address"]
        if row["transport"] == "unix":
            address = re.sub(r"\.\d+\.tmp$", "", address)
            address = address.rstrip("@") if address.startswith("@") else address
        elif address:
            address = re.sub(r"%[\w.-]+:", ":", address)
        key = (row["transport"], address, row["limit"])
        found[key] = found.get(key, 0) + row["sockets"]
    return [{"transport": t, "address": a, "limit": n, "sockets": count}
            for (t, a, n), count in sorted(found.items(), key=str)]
