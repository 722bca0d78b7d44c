"""Start the case's PHP-FPM as Debian's unit does: as root, with the main file that the case has.

A case may have Debian's /etc/php/8.2/fpm, the /etc/php-fpm.conf of other distributions, or the
/usr/local/etc of the container image; that one is built for the prefix /usr/local. Sockets belong
in /run/php. The environment is that of a unit which sets nothing.
"""
import os
import re
import subprocess
import tempfile

from capture import bind, empty, listeners, run, settled

MAINS = ["etc/php/8.2/fpm/php-fpm.conf", "etc/php-fpm.conf", "usr/local/etc/php-fpm.conf"]
FOLDERS = ["etc/php/8.2/fpm", "etc/php-fpm.d", "usr/local/etc", "opt", "srv"]
REFUSAL = re.compile(r"\] (?:ERROR|ALERT): (.*)|(PHP:  syntax error.*)")


def truth(case, root):
    main = next(path for path in MAINS if os.path.isfile(os.path.join(root, path)))
    bind(root, *(path for path in FOLDERS if os.path.isdir(os.path.join(root, path))))
    if main == "etc/php-fpm.conf":
        bind(root, main)
    empty("/var/log")
    os.mkdir("/run/php")
    prefix = ["--prefix", "/usr/local"] if main.startswith("usr/local/") else []
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        fpm = subprocess.Popen(["php-fpm8.2", "--nodaemonize", "--fpm-config", "/" + main, *prefix], cwd="/",
                               env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
                               stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        settled(fpm)
        said.seek(0)
        text = said.read()
    ended = fpm.poll() is not None
    found = REFUSAL.search(text)
    return {"server": run("dpkg-query", "-W", "php8.2-fpm").stdout.strip().replace("\t", " "),
            "listeners": [] if ended else listeners(),
            "refused": (found.group(1) or found.group(2) if found else text.strip()) if ended else None}
