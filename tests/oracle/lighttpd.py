"""Start the case's lighttpd as Debian's unit does: as root, from /, with /etc/lighttpd/lighttpd.conf.

Backends that lighttpd starts may be any program that stays; sockets belong in /run.
"""
import os
import re

from machine import SILENT, bind, bind_present, empty, ended, package, record, start

PACKAGES = "lighttpd"
ELSEWHERE = ["opt", "srv"]


def truth(case, root):
    bind(root, "etc/lighttpd")
    bind_present(root, *ELSEWHERE)
    empty("/var/log/lighttpd", "/var/cache/lighttpd")
    os.makedirs("/var/cache/lighttpd/uploads")
    argv = ["lighttpd", "-D", "-f", "/etc/lighttpd/lighttpd.conf"]
    process, found, said = start(argv, quiet=0.7, limit=4, cwd="/")
    return record(package("lighttpd"), found, reason(said) if ended(process) else None)


def reason(said):
    """The first complaint, without the time and the line of lighttpd's source before it; one without a line end runs into the
    next."""
    said = re.sub(r"(?m)\d{4}-\d\d-\d\d \d\d:\d\d:\d\d: \(.*?\) ", "\n", said)
    lines = [line for line in said.splitlines() if line.strip()]
    complaints = (line for line in lines if not re.search("(?i)warning|^server started", line))
    return next(complaints, SILENT)
