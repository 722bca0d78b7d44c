"""What `ss`, `nstat` and /proc say of the listening sockets of a network namespace.

This is what `backlog-audit live` replaces, and what it is compared with. Sockets are known by their
inodes: an address may be shared, and a path or a process may have a name that breaks lines.
"""
import os
import re

from machine import run

# A queue of these that moves, or does not, is what the scenarios are about.
QUEUE_COUNTERS = ["ListenOverflows", "ListenDrops", "TCPReqQFullDrop", "TCPReqQFullDoCookies",
                  "SyncookiesSent", "EmbryonicRsts"]
COUNTERS = QUEUE_COUNTERS + ["TCPTimeouts", "PassiveOpens"]
SYSCTLS = ["net.core.somaxconn", "net.ipv4.tcp_max_syn_backlog", "net.ipv4.tcp_syncookies",
           "net.ipv4.tcp_abort_on_overflow"]
TCP_ROW = re.compile(r"^LISTEN +(\d+) +(\d+) +(\S+):(\d+) +\S+(.*?)(?=^LISTEN +\d|\Z)", re.M | re.S)
# After the path come the socket's inode and its peer, of which a listener has none.
UNIX_ROW = re.compile(r"^(u_str|u_seq|u_dgr) +(\S+) +(\d+) +(\d+) +(.*?) (\d+) +\* 0 (.*?)"
                      r"(?=^u_(?:str|seq|dgr) +(?:LISTEN|UNCONN)|\Z)", re.M | re.S)


def there(namespace, *argv, user=None):
    """What the program prints in that namespace: the path of one, or None for our own."""
    enter = ["nsenter", "--net=" + namespace] if namespace else []
    # A user who may not enter a namespace reads only the one that it is in.
    return run(*enter, *argv, **(dict(user=user, group=user, extra_groups=[]) if user else {})).stdout


def tcp_address(host, port):
    """As the contract spells it; an interface stands behind a `%` and is not part of it."""
    host = host.split("%")[0] + ("]" if "%" in host and host.startswith("[") else "")
    mapped = re.fullmatch(r"\[::ffff:(\d+\.\d+\.\d+\.\d+)\]", host)
    return "%s:%s" % (mapped.group(1) if mapped else host, port)


def command(pid):
    """The kernel's name for the process, which may hold anything and may be gone."""
    try:
        with open("/proc/%d/comm" % pid, "rb") as file:
            return file.read()[:-1].decode(errors="replace")
    except OSError:
        return None


def owners(rest):
    pids = sorted({int(pid) for pid in re.findall(r"pid=(\d+),fd=\d+\)", rest)})
    return [{"pid": pid, "name": command(pid)} for pid in pids]


def number(pattern, text):
    found = re.search(pattern, text)
    return int(found.group(1)) if found else None


def tcp_sockets(namespace, user=None):
    rows = []
    # MPTCP's own list repeats the sockets that the list of TCP shows, under the same inodes.
    mptcp = {number(r" ino:(\d+)", row[4])
             for row in TCP_ROW.findall(there(namespace, "ss", "-lnMepOH", user=user))}
    for queued, limit, host, port, rest in TCP_ROW.findall(there(namespace, "ss", "-lntempOH", user=user)):
        inode = number(r" ino:(\d+)", rest)
        rows.append({"transport": "tcp", "address": tcp_address(host, port), "limit": int(limit),
                     "queued": int(queued), "inode": inode, "mptcp": inode in mptcp,
                     "uid": number(r" uid:(\d+)", rest) or 0,
                     "drops": number(r"skmem:\(.*,d(\d+)\)", rest), "owners": owners(rest)})
    return rows


def unix_sockets(namespace, user=None):
    rows = []
    for kind, state, queued, limit, path, inode, rest in UNIX_ROW.findall(
            there(namespace, "ss", "-lxepOH", user=user)):
        if kind == "u_str" and state == "LISTEN":
            rows.append({"transport": "unix", "address": path.lstrip(" "), "limit": int(limit),
                         "queued": int(queued), "inode": int(inode), "owners": owners(rest)})
    return rows


def sockets(namespace=None, user=None):
    return tcp_sockets(namespace, user) + unix_sockets(namespace, user)


def at(address, namespace=None):
    """The sockets that listen there."""
    return [row for row in sockets(namespace) if row["address"] == address]


def half_open(namespace=None):
    """By port: how many, of how many addresses, and how many whose SYN-ACK was sent again."""
    ports = {}
    for line in there(namespace, "ss", "-tnoH", "state", "syn-recv").splitlines():
        fields = line.split()
        port = ports.setdefault(fields[2].rsplit(":", 1)[1], {"count": 0, "retried": 0, "peers": set()})
        port["count"] += 1
        port["peers"].add(fields[3].rsplit(":", 1)[0])
        port["retried"] += (number(r"timer:\(on,[^,]*,(\d+)\)", line) or 0) > 0
    return {port: dict(row, peers=len(row["peers"])) for port, row in ports.items()}


def counters(namespace=None):
    """As `nstat` has them; without `-s` it would write down what it has shown."""
    rows = (line.split() for line in there(namespace, "nstat", "-asz").splitlines())
    named = {row[0]: int(row[1]) for row in rows if len(row) == 3 and row[0] != "#kernel"}
    return {name: named.get("TcpExt" + name, named.get("Tcp" + name)) for name in COUNTERS}


def sysctls(namespace=None):
    values = there(namespace, "sysctl", "-n", *SYSCTLS).split()
    return dict(zip(SYSCTLS, map(int, values)))


def inode(namespace=None):
    """The number that names a network namespace."""
    if namespace is None:
        return number(r"(\d+)", os.readlink("/proc/self/ns/net"))
    return os.stat(namespace).st_ino


def said(namespace=None):
    """For people: the words of the tools themselves."""
    tools = (("ss", "-lntpmOH"), ("ss", "-lxpOH"))
    return "".join(there(namespace, *argv) for argv in tools)


def seen(namespaces, user=None):
    """Everything, of every namespace."""
    result = {}
    for name, path in namespaces.items():
        reader = None if path else user
        result[name] = {"inode": inode(path), "counters": counters(path), "half_open": half_open(path),
                        "sockets": sockets(path, reader), "sysctls": sysctls(path), "said": said(path)}
    return result
