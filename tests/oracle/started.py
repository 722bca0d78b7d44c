"""Boot the case's units with the real systemd, let them start the real servers, and record what listens then.

systemd runs as process 1 of its own namespaces, with the case's folders laid over this machine's. Every unit of the case and
every instance that something wants is wanted by one target. Folders of logs and of sockets are there, and empty.
"""
import os
import shutil
import signal
import subprocess
import time

import unit
from machine import SYSCTL_DIRS, bind, bind_present, empty, listeners, private, read, run, two_processors, write

# Two systemds that come up at once can get in each other's way in the control groups.
JOBS = 1
PRESENT = ["etc/apache2", "etc/apache2-edge", "etc/caddy", "etc/default", "etc/environment.d", "etc/haproxy", "etc/hosts", "etc/httpd",
           "etc/init.d", "etc/lighttpd", "etc/nginx", "etc/php", "etc/squid", "etc/sysconfig", "etc/varnish",
           "etc/traefik", "etc/uwsgi", "opt", "srv", "usr/local/bin", "usr/local/etc", "usr/local/nginx"]
LOGS = ["apache2", "caddy", "haproxy", "lighttpd", "nginx", "squid", "varnish"]
# What a program says, and that it failed, can be read afterwards.
TOLD = """[Service]
StandardOutput=append:/run/said
StandardError=append:/run/said
ExecStopPost=+/bin/sh -c 'test "$$SERVICE_RESULT" = success || touch /run/failed/%n'
"""
SERVERS = ["nginx", "apache2", "lighttpd", "php8.2-fpm", "squid", "haproxy", "caddy", "varnish"]


def prepare(root):
    private()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    write("/proc/sys/net/ipv4/ip_local_port_range", "61000 65000")
    empty("/run", "/dev/shm", "/var/log", "/var/lib/haproxy", "/var/cache/lighttpd", "/usr/lib/systemd/system-generators")
    bind(root, *SYSCTL_DIRS, *unit.FOLDERS)
    bind_present(root, *PRESENT)
    if os.path.isdir(os.path.join(root, "run")):
        shutil.copytree(os.path.join(root, "run"), "/run", symlinks=True, dirs_exist_ok=True)
    for name in LOGS:
        os.makedirs("/var/log/" + name)
    for path in ("/run/lock", "/run/php", "/run/haproxy", "/run/squid", "/run/apache2", "/var/cache/lighttpd/uploads",
                 "/run/probe", "/run/failed", "/run/systemd/system-generators"):
        os.makedirs(path, exist_ok=True)
    run("chown", "proxy:proxy", "/var/log/squid", "/run/squid")
    run("/lib/systemd/systemd-sysctl")
    two_processors()
    unit.want("/run/systemd/system-generators/probe")
    os.makedirs("/run/systemd/system/service.d", exist_ok=True)
    write("/run/systemd/system/service.d/00-told.conf", TOLD)


def truth(case, root):
    process = unit.systemd()
    before, since, end = None, time.time(), time.time() + 60
    while time.time() < end and process.poll() is None and time.time() - since < 3:
        now = listeners() if os.path.exists("/run/ended") else None
        if now is None or now != before:
            before, since = now, time.time()
        time.sleep(0.2)
    found, failed = listeners(), sorted(os.listdir("/run/failed"))
    process.send_signal(signal.SIGKILL)
    process.wait()
    if not os.path.exists("/run/ended"):
        raise RuntimeError("systemd has not come to an end: %s" % said())
    return {"failed": failed, "listeners": own(found), "said": said() if failed else [], "server": versions()}


def own(found):
    """Not those of systemd itself, nor of what a server opens for its own workers."""
    return [row for row in found if not (row["address"] or "").startswith("/run/systemd/")]


def said():
    return read("/run/said").strip().splitlines()[-3:] if os.path.exists("/run/said") else []


def versions():
    return run("dpkg-query", "-W", "systemd", *SERVERS).stdout.strip().replace("\t", " ").splitlines()
