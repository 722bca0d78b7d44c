"""Ask the running kernel what listen(2) makes of a number: no files, only sockets and sysctls.

A case is a kind of socket (`tcp`, `unix-stream`, ...), `syn-queue` or `defaults`; its truth is a table.
The limit is the Send-Q of `ss`; what a queue holds is counted with real connections that nobody accepts.
"""
import ctypes
import os
import resource
import socket
import struct
import subprocess
import tempfile

from machine import run, write

LIBC = ctypes.CDLL(None)
ASKED = [-2147483648, -1, 0, 1, 5, 10, 50, 100, 128, 511, 1024, 4096, 65535, 65536, 70000, 2147483647]
SOMAXCONN = [0, 1, 10, 128, 511, 4096, 65535, 65536, 100000, 2147483647]
# Filling a queue costs two sockets a connection.
FILLED = [0, 1, 5, 10, 50, 128, 511, 1024, 4096]

# (syncookies, asked, somaxconn, max_syn_backlog)
SYN = ([(0, asked, 4096, 256) for asked in (0, 1, 5, 10, 64, 128, 191, 192, 193, 194, 256, 511, 4096)]
       + [(0, 511, 128, 256)]
       + [(0, 511, 4096, most) for most in (1024, 128, 100, 64, 16, 4, 3, 2, 1, 0, -1, -2, -2147483648)]
       + [(0, 1024, 4096, 2048), (0, 4096, 4096, 512)]
       + [(1, asked, 4096, 256) for asked in (0, 1, 10, 128, 256, 511, 1024)]
       + [(1, 10, 4096, most) for most in (4, 0, -1)] + [(1, 511, 128, 1024)]
       + [(2, asked, 4096, most) for asked, most in ((0, 256), (128, 256), (128, 0), (511, 1024))]
       + [(3, 10, 4096, 256), (255, 10, 4096, 4)])


def sysctl(**values):
    for name, value in values.items():
        write("/proc/sys/net/" + ("core/" if name == "somaxconn" else "ipv4/tcp_") + name, value)


class Tcp:
    family, kind, protocol = socket.AF_INET, socket.SOCK_STREAM, 0

    def address(self, scratch, nth):
        return ("127.0.0.1", 20000 + nth)

    def queues(self):
        """Recv-Q and Send-Q by the number of the socket."""
        rows = (line.split() for line in run("ss", "-lntH").stdout.splitlines())
        return {int(row[3].rsplit(":", 1)[1]) - 20000: (int(row[1]), int(row[2])) for row in rows}


class DualStack(Tcp):
    family = socket.AF_INET6

    def address(self, scratch, nth):
        return ("::", 20000 + nth)


class Mptcp(Tcp):
    protocol = socket.IPPROTO_MPTCP


class UnixStream:
    family, kind, protocol = socket.AF_UNIX, socket.SOCK_STREAM, 0

    def address(self, scratch, nth):
        return os.path.join(scratch, str(nth))

    def queues(self):
        rows = (line.split() for line in run("ss", "-lxH").stdout.splitlines())
        return {int(os.path.basename(row[4])): (int(row[2]), int(row[3])) for row in rows
                if row[4].startswith(tempfile.gettempdir())}


class UnixSeqpacket(UnixStream):
    kind = socket.SOCK_SEQPACKET


KINDS = {"tcp": Tcp(), "tcp-dual-stack": DualStack(), "mptcp": Mptcp(),
         "unix-stream": UnixStream(), "unix-seqpacket": UnixSeqpacket()}


def limits(how, somaxconn, scratch):
    """The limit that each asked number gives under this somaxconn."""
    sysctl(somaxconn=somaxconn)
    sockets = []
    for nth, asked in enumerate(ASKED):
        listener = socket.socket(how.family, how.kind, how.protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(how.address(scratch, nth))
        # CPython's own listen() turns a negative number into 0: go past it.
        if LIBC.listen(listener.fileno(), asked) != 0:
            raise OSError("listen(%d)" % asked)
        sockets.append(listener)
    shown = how.queues()
    for listener in sockets:
        listener.close()
    return [{"asked": asked, "somaxconn": somaxconn, "limit": shown[nth][1]}
            for nth, asked in enumerate(ASKED)]


def held(how, asked, scratch):
    """How many connections wait in the queue when nobody accepts and more than enough try."""
    listener = socket.socket(how.family, how.kind, how.protocol)
    listener.bind(how.address(scratch, 0))
    listener.listen(asked)
    clients = []
    for _ in range(asked + 3):
        client = socket.socket(how.family, how.kind, how.protocol)
        client.setblocking(False)
        client.connect_ex(how.address(scratch, 0))
        clients.append(client)
    waiting = how.queues()[0][0]
    for each in clients + [listener]:
        each.close()
    return {"limit": asked, "holds": waiting}


def accept_queue(how):
    rows, fills = [], []
    for somaxconn in SOMAXCONN:
        with tempfile.TemporaryDirectory() as scratch:
            rows += limits(how, somaxconn, scratch)
    resource.setrlimit(resource.RLIMIT_NOFILE, (10000, 10000))
    sysctl(somaxconn=4096, syncookies=1, max_syn_backlog=4096)
    write("/proc/sys/net/ipv4/ip_local_port_range", "30000 65000")
    for asked in FILLED:
        with tempfile.TemporaryDirectory() as scratch:
            fills.append(held(how, asked, scratch))
    return {"rows": rows, "held": fills}


# ---------------------------------------------------------------- half-open connections


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def syn(nth, port):
    """A SYN from an address of 127/8 where nobody answers."""
    source = socket.inet_aton("127.%d.%d.%d" % (1 + (nth >> 16), nth >> 8 & 255, nth & 255))
    target = socket.inet_aton("127.0.0.1")

    def tcp(summed):
        return struct.pack("!HHIIBBHHH", 40000, port, nth, 0, 5 << 4, 2, 65535, summed, 0)

    whole = tcp(checksum(source + target + struct.pack("!HH", socket.IPPROTO_TCP, 20) + tcp(0)))
    return struct.pack("!BBHHHBBH", 0x45, 0, 40, nth & 0xFFFF, 0, 64, socket.IPPROTO_TCP, 0) \
        + source + target + whole


def silence():
    """All of 127/8 but 127.0.0.1 becomes somewhere else: a SYN-ACK to it gets no answer."""
    for argv in (("route", "del", "local", "127.0.0.0/8", "dev", "lo", "table", "local"),
                 ("route", "add", "127.0.0.0/8", "dev", "lo")):
        subprocess.run(["ip", *argv], check=True)


def half_open(raw, nth, syncookies, asked, somaxconn, most):
    sysctl(syncookies=syncookies, somaxconn=somaxconn, max_syn_backlog=most)
    port = 21000 + nth
    listener = socket.socket()
    listener.bind(("127.0.0.1", port))
    listener.listen(asked)
    for peer in range(min(asked, somaxconn) + 20):
        raw.sendto(syn(peer, port), ("127.0.0.1", 0))
    shown = run("ss", "-ntH", "state", "syn-recv", "sport", "= :%d" % port).stdout.splitlines()
    listener.close()
    return {"syncookies": syncookies, "asked": asked, "somaxconn": somaxconn,
            "max_syn_backlog": most, "half_open": len(shown)}


def syn_queue():
    silence()
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    return {"rows": [half_open(raw, nth, *row) for nth, row in enumerate(SYN)]}


# ---------------------------------------------------------------- what a new namespace starts with


def defaults():
    """Not tcp_max_syn_backlog: it depends on the machine's memory."""
    values = {}
    for key in ("net.core.somaxconn", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_abort_on_overflow",
                "net.ipv4.tcp_synack_retries"):
        with open("/proc/sys/" + key.replace(".", "/")) as file:
            values[key] = int(file.read())
    return {"defaults": values}


def truth(case, root):
    if case == "defaults":
        return defaults()
    return syn_queue() if case == "syn-queue" else accept_queue(KINDS[case])
