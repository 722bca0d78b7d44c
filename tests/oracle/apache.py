"""Start the case's Apache as Debian's unit does: apachectl start, with the environment of etc/apache2/envvars.

A case that has etc/httpd or usr/local/apache2 in its place gets the same program with that main file, as a
Red Hat system and the image of httpd start theirs: without envvars. The machine is made to have two CPUs,
so that `ListenCoresBucketsRatio` means the same everywhere.
"""
import os
import re

from machine import PATH, SILENT, bind, bind_present, empty, listeners, package, run, settled, two_processors

PACKAGES = "apache2"
MAINS = [("etc/httpd", "conf/httpd.conf"), ("usr/local/apache2", "conf/httpd.conf")]
ELSEWHERE = ["opt", "srv"]
CLEAN = {"PATH": PATH, "APACHE_STARTED_BY_SYSTEMD": "true", "LANG": "C"}
# mod_cgid adds its process id to the name of its socket.
NUMBERED = re.compile(r"/cgisock\.\d+$")
# Said at the start, also by one that goes on.
TAKEN = "could not bind to address"
MODULES = "/usr/lib/apache2/modules"


def lay(root):
    """Put the case's files where its Apache looks for them; the answer is the command that starts it."""
    bind_present(root, *ELSEWHERE)
    empty("/var/log/apache2")
    os.makedirs("/run/lock", exist_ok=True)
    os.makedirs("/run/apache2", exist_ok=True)
    for home, main in MAINS:
        if os.path.isdir(os.path.join(root, home)):
            bind(root, home)
            os.makedirs("/%s/logs" % home, exist_ok=True)
            # Debian's modules in the place of theirs.
            if not os.path.lexists("/%s/modules" % home):
                os.symlink(MODULES, "/%s/modules" % home)
            return ["apache2", "-d", "/" + home, "-f", "/%s/%s" % (home, main), "-k", "start"]
    bind(root, "etc/apache2")
    return ["apachectl", "start"]


def truth(case, root):
    command = lay(root)
    two_processors()
    started = run(*command, env=CLEAN)
    if started.returncode == 0:
        settled(quiet=0.7, limit=4)
    up = started.returncode == 0 and alive()
    # Apache stays up without the `[::]` that it cannot bind, where `0.0.0.0` comes with it.
    refused = None if up and TAKEN not in started.stdout else reason(started.stdout)
    return {"server": package("apache2"), "listeners": nameless(listeners()) if up else [], "refused": refused}


def alive():
    return run("pgrep", "-x", "apache2").returncode == 0


def nameless(rows):
    """A name that is another one at the next start is none."""
    for row in rows:
        if row["transport"] == "unix" and NUMBERED.search(row["address"] or ""):
            row["address"] = None
    return rows


def reason(said):
    """The first complaint alone, without time and process; it may go on in the next line."""
    lines = [re.sub(r"^\[[^\]]*\] \[[\w:]+\] \[pid [^\]]*\] ", "", line) for line in said.splitlines()]
    telling = [line for line in lines
               if line and "AH00111" not in line and "AH00558" not in line and not line.startswith("Action ")]
    if telling and telling[0].startswith(("apache2: Syntax error", "AH00526")) and len(telling) > 1:
        return " ".join(telling[:2])
    return telling[0] if telling else SILENT
