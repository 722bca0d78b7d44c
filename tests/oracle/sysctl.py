"""Boot the case's tree with the real systemd-sysctl and, apart from that, with `sysctl --system`.

Both run with the case as their whole file system, so that links resolve as on that machine and none
of this machine's files leak in. Each runs twice, from different start values: what ends up the same
was written by the tool (its value is recorded), what keeps both start values was left alone (null).
"""
import glob
import os
import re

from machine import mount, private, read, run, write

KEYS = {"net.core.somaxconn": (6, 7), "net.ipv4.tcp_max_syn_backlog": (6, 7),
        "net.ipv4.tcp_syncookies": (6, 7), "net.ipv4.tcp_abort_on_overflow": (6, 7),
        "net.ipv4.tcp_synack_retries": (6, 7)}
# This machine's programs and libraries, out of the way of the case's own /usr.
MACHINE = "/machine"
LIBRARIES = "/lib/%s-linux-gnu" % os.uname().machine
LOADER = glob.glob("/usr" + LIBRARIES + "/ld-linux-*.so.*")[0].removeprefix("/usr")
TOOLS = {"boot": ["/lib/systemd/systemd-sysctl"], "system": ["/sbin/sysctl", "--system"]}
# What the tools say goes into the record, and not to this machine's log.
SPOKEN = dict(os.environ, LC_ALL="C", SYSTEMD_LOG_TARGET="console", SYSTEMD_LOG_COLOR="0")


def prepare(root):
    """The machine's programs, /dev and /proc come into the case; only net.* may be written there."""
    private()
    inside = {name: os.path.join(root, name) for name in ("machine", "dev", "proc", "run", "etc")}
    for path in inside.values():
        os.makedirs(path, exist_ok=True)
    if not os.path.lexists(os.path.join(root, "lib")):
        os.symlink("usr/lib", os.path.join(root, "lib"))
    mount("--bind", "/usr", inside["machine"])
    mount("--bind", "/dev", inside["dev"])
    mount("-t", "proc", "proc", inside["proc"])
    sys = os.path.join(inside["proc"], "sys")
    mount("--bind", sys, sys)
    mount("-o", "remount,bind,ro", sys)
    mount("--bind", "/proc/sys/net", os.path.join(sys, "net"))


def path(key):
    return "/proc/sys/" + key.replace(".", "/")


def outcome(root, tool, start):
    """What the keys are after the tool has run from the start values, and what it said."""
    for key, values in KEYS.items():
        write(path(key), values[start])
    libraries = MACHINE + LIBRARIES
    loader = [MACHINE + LOADER, "--library-path", libraries + ":" + libraries + "/systemd"]
    program = TOOLS[tool]
    done = run("chroot", root, *loader, MACHINE + program[0], *program[1:], env=SPOKEN)
    if done.returncode not in (0, 1):
        raise RuntimeError("%s: %s" % (program, done.stdout))
    values = {key: int(read(path(key))) for key in KEYS}
    return values, {"status": done.returncode, "lines": done.stdout.splitlines()}


def world(root, tool):
    first, said = outcome(root, tool, 0)
    second, _ = outcome(root, tool, 1)
    values = {}
    for key, start in KEYS.items():
        if (first[key], second[key]) == start:
            values[key] = None
        elif first[key] == second[key]:
            values[key] = first[key]
        else:
            raise RuntimeError("%s ends as %d or %d" % (key, first[key], second[key]))
    return values, said


def truth(case, root):
    boot, boot_said = world(root, "boot")
    system, system_said = world(root, "system")
    versions = run("dpkg-query", "-W", "systemd", "procps").stdout
    return {"boot": boot, "system": system,
            "said": {"boot": boot_said, "system": system_said},
            "server": ", ".join(re.sub(r"\t", " ", line) for line in sorted(versions.split("\n")) if line)}
