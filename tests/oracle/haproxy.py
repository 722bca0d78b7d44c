"""Start the case's HAProxy in the foreground: as its unit does where the case has one, else with
/etc/haproxy/haproxy.cfg. The hard limit of open files is the one that systemd sets."""
import os
import re
import resource

import start_unit
from machine import PATH, SILENT, bind, bind_present, empty, package, record, rows, start

PACKAGES = "haproxy"
ELSEWHERE = ["opt", "srv", "usr/local/etc/haproxy", "etc/default/haproxy", "etc/sysconfig/haproxy"]
COMPLAINT = re.compile(r"^\[(?:ALERT|WARNING)\]\s+\(\d+\) : (.*)", re.M)
ALERT = re.compile(r"^\[ALERT\]\s+\(\d+\) : (.*)", re.M)


def truth(case, root):
    bind(root, "etc/haproxy")
    bind_present(root, *ELSEWHERE)
    os.makedirs("/run/haproxy")
    empty("/var/lib/haproxy")
    unit = start_unit.unit(root, "haproxy")
    process, found, said = start(
        unit.words or ["haproxy", "-f", "/etc/haproxy/haproxy.cfg"], limit=8, cwd="/",
        env={"PATH": PATH, **unit.environment},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, unit.open_files))
    refused = (ALERT.findall(said) + [SILENT])[0] if process.poll() else None
    return {**record(package("haproxy"), spelled(found), refused), "said": COMPLAINT.findall(said)}


def spelled(shown):
    """Addresses as they are configured. HAProxy binds a path as PATH.PID.tmp and renames the file, so
    that `ss` shows a name that is gone; and an abstract name fills its field with zero bytes, which `ss`
    prints as @."""
    found = {}
    for row in shown:
        address = row["address"]
        if row["transport"] == "unix":
            address = re.sub(r"\.\d+\.tmp$", "", address)
            address = address.rstrip("@") if address.startswith("@") else address
        key = (row["transport"], address, row["limit"])
        found[key] = found.get(key, 0) + row["sockets"]
    return rows(found)
