"""Start the case's lighttpd as Debian's unit does: as root, from /, with /etc/lighttpd/lighttpd.conf.

Backends that lighttpd starts may be any program that stays; sockets belong in /run.
"""
import os
import re
import subprocess
import tempfile

from capture import bind, empty, listeners, run, settled

ELSEWHERE = ["opt", "srv"]


def truth(case, root):
    bind(root, "etc/lighttpd", *(p for p in ELSEWHERE if os.path.isdir(os.path.join(root, p))))
    empty("/var/log/lighttpd", "/var/cache/lighttpd")
    os.makedirs("/var/cache/lighttpd/uploads")
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        lighttpd = subprocess.Popen(["lighttpd", "-D", "-f", "/etc/lighttpd/lighttpd.conf"], cwd="/",
                                    stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        settled(lighttpd, quiet=0.7, limit=4)
        ended = lighttpd.poll() is not None
        said.seek(0)
        refused = reason(said.read()) if ended else None
    return {"server": run("dpkg-query", "-W", "lighttpd").stdout.strip().replace("\t", " "),
            "listeners": [] if ended else listeners(), "refused": refused}


def reason(said):
    """The first complaint, without the time and the line of lighttpd's source before it; one without a line end runs into the
    next."""
    said = re.sub(r"(?m)\d{4}-\d\d-\d\d \d\d:\d\d:\d\d: \(.*?\) ", "\n", said)
    lines = [line for line in said.splitlines() if line.strip()]
    complaints = (line for line in lines if not re.search("(?i)warning|^server started", line))
    return next(complaints, "ended without a word")
