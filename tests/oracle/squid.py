"""Start the case's Squid as Debian's unit does: as root, from /, with /etc/squid/squid.conf and systemd's limits of open files,
or those that a unit of the case sets. A certificate for https_port lies at /run/squid.pem.
"""
import glob
import os
import re
import resource
import subprocess
import tempfile

from capture import bind, empty, listeners, run, settled

UNITS = ["lib/systemd/system/squid.service", "usr/lib/systemd/system/squid.service",
         "etc/systemd/system/squid.service", "etc/systemd/system/squid.service.d/*.conf"]


def limits(root):
    """The soft and the hard limit of open files: DefaultLimitNOFILE=, or the last LimitNOFILE=."""
    soft, hard = 1024, 524288
    for pattern in UNITS:
        for path in sorted(glob.glob(os.path.join(root, pattern))):
            with open(path) as file:
                for given in re.findall(r"^LimitNOFILE=(\S+)", file.read(), re.M):
                    numbers = [int(number) for number in given.split(":")]
                    soft, hard = numbers[0], numbers[-1]
    # The machine that asks may allow less than systemd does.
    return soft, min(hard, resource.getrlimit(resource.RLIMIT_NOFILE)[1])


def truth(case, root):
    bind(root, "etc/squid")
    empty("/var/log/squid", "/run/squid")
    run("chown", "proxy:proxy", "/var/log/squid", "/run/squid")
    certificate()
    nofile = limits(root)
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        squid = subprocess.Popen(["squid", "--foreground", "-YC"], cwd="/", stdin=subprocess.DEVNULL,
                                 stdout=said, stderr=said,
                                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, nofile))
        settled(squid, quiet=1.2, limit=8)
        said.seek(0)
        text = said.read()
    if os.path.exists("/var/log/squid/cache.log"):
        with open("/var/log/squid/cache.log", errors="replace") as file:
            text += file.read()
    ended = squid.poll() is not None
    return {"server": run("dpkg-query", "-W", "squid").stdout.strip().replace("\t", " "),
            "listeners": [] if ended else listeners(),
            "refused": reason(text) or ("ended without a word" if ended else None)}


def certificate():
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
        "-keyout", "/run/squid.key", "-out", "/run/squid.crt")
    with open("/run/squid.pem", "w") as pem:
        for part in ("/run/squid.key", "/run/squid.crt"):
            with open(part) as file:
                pem.write(file.read())
    run("chown", "proxy", "/run/squid.pem")


def reason(said):
    """The first fatal complaint; Squid stays up without a port that it cannot bind."""
    found = re.search(r"(?:FATAL|ERROR): .*", said)
    return found.group(0) if found else None
