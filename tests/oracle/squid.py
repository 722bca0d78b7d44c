"""Start the case's Squid as Debian's unit does: as root, from /, with /etc/squid/squid.conf and systemd's limits of open files,
or those that a unit of the case sets. A certificate for https_port lies at /run/squid.pem.
"""
import os
import re
import resource

import start_unit
from machine import SILENT, bind, empty, ended, package, read, run, start, write

PACKAGES = "squid"
LOG = "/var/log/squid/cache.log"


def truth(case, root):
    bind(root, "etc/squid")
    empty("/var/log/squid", "/run/squid")
    run("chown", "proxy:proxy", "/var/log/squid", "/run/squid")
    certificate()
    open_files = start_unit.unit(root, "squid").open_files
    process, found, said = start(["squid", "--foreground", "-YC"], quiet=1.2, limit=8, cwd="/",
                                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, open_files))
    said += read(LOG) if os.path.exists(LOG) else ""
    gone = ended(process)
    return {"server": package("squid"), "listeners": [] if gone else found,
            "refused": reason(said) or (SILENT if gone else None)}


def certificate():
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
        "-keyout", "/run/squid.key", "-out", "/run/squid.crt")
    write("/run/squid.pem", read("/run/squid.key") + read("/run/squid.crt"))
    run("chown", "proxy", "/run/squid.pem")


def reason(said):
    """The first fatal complaint; Squid stays up without a port that it cannot bind."""
    found = re.search(r"(?:FATAL|ERROR): .*", said)
    return found.group(0) if found else None
