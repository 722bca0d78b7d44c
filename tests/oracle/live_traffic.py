"""Listeners, clients and strangers for the scenarios of live.py: all of it on loopback.

States are waited for by looking, never by sleeping: a loaded machine is slow, not wrong.
"""
import collections
import contextlib
import ctypes
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback

import live_truth
from listen import checksum, silence, syn

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
PR_SET_DUMPABLE, PR_SET_NAME = 4, 15
ETH_P_IP = 0x0800
SYN_ACK, ACK = 0x12, 0x10
# Seconds that a state may take to come about, times what --patience says.
LIMIT = 20
patience = 1.0


def wait(what, reached, pause=0.02):
    end = time.monotonic() + LIMIT * patience
    while not reached():
        if time.monotonic() > end:
            raise TimeoutError("it did not come about that " + what)
        time.sleep(pause)


def next_second():
    """Files and processes are told apart in age by whole seconds, as `stat` and `ps` show them."""
    begun = int(time.time())
    wait("a second passes", lambda: int(time.time()) > begun + 1)


# ---------------------------------------------------------------- processes


class Child:
    """A process that does `work(ready)`, says `ready()` or returns, and stays until it is ended."""

    def __init__(self, work):
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reading)
            self.live(work, writing)
        os.close(writing)
        with os.fdopen(reading) as file:
            if file.readline() != "ready\n":
                raise RuntimeError("a process of the scenario failed")

    @staticmethod
    def live(work, writing):
        said = []

        def ready():
            if not said:
                said.append(os.write(writing, b"ready\n"))

        try:
            kept = work(ready)  # held, so that nothing is closed
            ready()
            while True:
                signal.pause()
        except BaseException:
            traceback.print_exc(file=sys.stderr)
        os._exit(1)

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


@contextlib.contextmanager
def child(work):
    process = Child(work)
    try:
        yield process
    finally:
        process.end()


def rename(name):
    """Names this process; the kernel keeps 15 bytes of it."""
    LIBC.prctl(PR_SET_NAME, ctypes.c_char_p(name), 0, 0, 0)


def become(user):
    """Gives up root. Without the last word even others of that user could not look at this process."""
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)


def new_namespace():
    """A network namespace without a name: it is there as long as this process."""
    if LIBC.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def join_namespace(path):
    with open(path) as namespace:
        if LIBC.setns(namespace.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def background(step, pause):
    """Repeat `step` as long as the scenario lasts; if it fails, the scenario has failed."""
    over, failures = threading.Event(), []

    def work():
        try:
            while not over.is_set():
                step()
                over.wait(pause)
        except Exception as failure:
            failures.append(failure)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if failures:
        raise failures[0]


# ---------------------------------------------------------------- listeners and clients


def tcp(port, backlog, host="127.0.0.1", protocol=0, shared=False):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host, port))
    listener.listen(backlog)
    return listener


def unix(path, backlog, kind=socket.SOCK_STREAM):
    listener = socket.socket(socket.AF_UNIX, kind)
    listener.bind(path)
    listener.listen(backlog)
    return listener


def client(like, address):
    """One that does not wait for an answer, for a listener of the same kind."""
    made = socket.socket(like.family, like.type, like.proto)
    made.setblocking(False)
    made.connect_ex(address)
    return made


def fill(listener, count):
    """So many clients that nobody accepts; they have to be kept."""
    return [client(listener, listener.getsockname()) for _ in range(count)]


def opened():
    """PassiveOpens, without starting a program."""
    with open("/proc/net/snmp") as file:
        names, values = [line.split() for line in file if line.startswith("Tcp:")]
    return int(values[names.index("PassiveOpens")])


def lengths(port):
    """The queues of the port's sockets, shortest first, without starting a program."""
    with open("/proc/net/tcp") as file:
        rows = [line.split() for line in file][1:]
    return sorted(int(row[4].split(":")[1], 16) for row in rows
                  if row[3] == "0A" and int(row[1].split(":")[1], 16) == port)


def one_more(clients, port):
    """A client whose connection has reached the queue when this returns."""
    before = opened()
    clients.append(socket.create_connection(("127.0.0.1", port), LIMIT * patience))
    wait("it has come in", lambda: opened() > before, pause=0.001)


def queued(address, namespace=None):
    return [row["queued"] for row in live_truth.at(address, namespace)]


def waits(address, count, namespace=None):
    wait("%d wait at %s" % (count, address), lambda: queued(address, namespace) == [count])


def knocking(port, host="127.0.0.1"):
    """One client after the other, none of which waits; the last ones are kept trying."""
    kept = collections.deque()

    def step():
        knocker = socket.socket()
        knocker.setblocking(False)
        knocker.connect_ex((host, port))
        kept.append(knocker)
        if len(kept) > 64:
            kept.popleft().close()

    return step


def overflow(listener):
    """Fills the queue and lets others knock until the kernel has counted; gives those who wait."""
    waiting, limit = accept_queue(listener)
    clients = fill(listener, limit + 1 - waiting)
    wait("the queue is full", lambda: accept_queue(listener)[0] > limit)
    before = live_truth.counters()["ListenOverflows"]
    turned_away = fill(listener, 5)
    wait("the queue overflows", lambda: live_truth.counters()["ListenOverflows"] >= before + 5)
    for late in turned_away:  # not after the drain: they would come in
        late.close()
    return clients


def accept_queue(listener):
    """How many wait, and the limit: tcpi_unacked and tcpi_sacked, 24 bytes into struct tcp_info."""
    return struct.unpack_from("II", listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 24)


def drain(listener, clients):
    for _ in clients:
        listener.accept()[0].close()
    for done in clients:
        done.close()


# ---------------------------------------------------------------- strangers: packets made by hand


class Strangers:
    """Clients at addresses of 127/8 for which no kernel answers, known by numbers."""

    def __init__(self, port):
        silence()
        self.port = port
        self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.ear = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        self.ear.bind(("lo", ETH_P_IP))
        self.ear.settimeout(0.2)
        self.next = 1

    def knock(self, count):
        """So many new strangers send a SYN; gives their numbers."""
        first, self.next = self.next, self.next + count
        for nth in range(first, self.next):
            self.raw.sendto(syn(nth, self.port), ("127.0.0.1", 0))
        return range(first, self.next)

    def again(self, nth):
        self.raw.sendto(syn(nth, self.port), ("127.0.0.1", 0))

    def answers(self, strangers):
        """The sequence numbers of the SYN-ACKs that these strangers got within their patience."""
        heard, end = {}, time.monotonic() + LIMIT * patience
        while time.monotonic() < end and not heard.keys() >= set(strangers):
            heard.update(self.listened())
        return {nth: heard[nth] for nth in strangers if nth in heard}

    def listened(self):
        try:
            packet = self.ear.recv(2048)
        except TimeoutError:
            return {}
        if packet[9] != socket.IPPROTO_TCP or packet[33] != SYN_ACK:
            return {}
        if struct.unpack_from("!H", packet, 20)[0] != self.port:
            return {}
        _, high, middle, low = packet[16:20]
        return {(high - 1) << 16 | middle << 8 | low: struct.unpack_from("!I", packet, 24)[0]}

    def acknowledge(self, nth, number):
        """The last step of the handshake."""
        self.raw.sendto(final_ack(nth, self.port, number + 1 & 0xFFFFFFFF), ("127.0.0.1", 0))


def final_ack(nth, port, number):
    """What follows on listen.syn: the same stranger, one further."""
    first = syn(nth, port)
    source, target = first[12:16], first[16:20]

    def segment(summed):
        return struct.pack("!HHIIBBHHH", 40000, port, nth + 1, number, 5 << 4, ACK, 65535, summed, 0)

    pseudo = source + target + struct.pack("!HH", socket.IPPROTO_TCP, 20)
    return first[:20] + segment(checksum(pseudo + segment(0)))


def reset_on_close(connection):
    """So that nothing is sent again and again to a stranger who does not answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
