"""Start the case's PHP-FPM as Debian's unit does: as root, with the main file that the case has.

A case may have Debian's /etc/php/8.2/fpm, the /etc/php-fpm.conf of other distributions, or the
/usr/local/etc of the container image; that one is built for the prefix /usr/local. Sockets belong
in /run/php. The environment is that of a unit which sets nothing.
"""
import os
import re

from machine import PATH, bind, bind_present, empty, ended, package, record, start

PACKAGES = "php8.2-fpm"
MAINS = ["etc/php/8.2/fpm/php-fpm.conf", "etc/php-fpm.conf", "usr/local/etc/php-fpm.conf"]
FOLDERS = ["etc/php/8.2/fpm", "etc/php-fpm.d", "usr/local/etc", "opt", "srv"]
REFUSAL = re.compile(r"\] (?:ERROR|ALERT): (.*)|(PHP:  syntax error.*)")


def truth(case, root):
    main = next(path for path in MAINS if os.path.isfile(os.path.join(root, path)))
    bind_present(root, *FOLDERS)
    if main == "etc/php-fpm.conf":
        bind(root, main)
    empty("/var/log")
    os.mkdir("/run/php")
    prefix = ["--prefix", "/usr/local"] if main.startswith("usr/local/") else []
    process, found, said = start(["php-fpm8.2", "--nodaemonize", "--fpm-config", "/" + main, *prefix],
                                 cwd="/", env={"PATH": PATH})
    return record(package("php8.2-fpm"), found, reason(said) if ended(process) else None)


def reason(said):
    found = REFUSAL.search(said)
    return found.group(1) or found.group(2) if found else said.strip()
