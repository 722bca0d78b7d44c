"""The scenarios of live.py: what is set up, and what is known of it.

Each is a generator that sets up, yields what is `known`, and is resumed after the measurement. It
gets a Stage: the root of the case's tree, in a machine of its own that has not booted yet.
"""
import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import time

import live_traffic as traffic
import live_truth as truth
import machine
from live_traffic import background, child, wait

SCENARIOS = {}
# Findings that would send a person after something; the rest is information.
ALARMS = {"live-drift", "needs-relisten", "queue-filling", "overflowing", "overflowed-before",
          "reuseport-unbalanced", "half-open-flood"}
NGINX_CONF = """\
user www-data;
worker_processes 2;
events { worker_connections 256; }
http {
    access_log off;
%s}
"""
SERVER = """\
    server {
        listen %s;
        return 204;
    }
"""
NODE = """\
const http = require('node:http');
const app = http.createServer((request, response) => response.end('well\\n'));
app.listen(%s);
"""
SYSCTL_FILE = "etc/sysctl.d/60-net.conf"
NGINX_FILE = "etc/nginx/nginx.conf"


def scenario(expects=(), allows=()):
    """`expects`: the rules that must be among the findings; `allows`: alarms that may be too."""
    def add(function):
        made = contextlib.contextmanager(function)
        made.expects, made.allows = set(expects), set(allows) | set(expects)
        SCENARIOS[function.__name__.replace("_", "-")] = made
        return made
    return add


def known(*sockets, moves=(), counted=(), namespaces=None, **more):
    """`sockets`: what must be there; `moves`: counters that move meanwhile; `counted`: those that
    are not zero. By namespace where there are several. No other queue counter may move or count."""
    def split(names):
        return names if isinstance(names, dict) else {"host": list(names)}
    return dict(more, sockets=list(sockets), moves=split(moves), counted=split(counted),
                namespaces={"host": None, **(namespaces or {})})


def queue(address, limit, queued=0, count=1, namespace="host"):
    return {"namespace": namespace, "address": address, "limit": limit, "queued": queued, "count": count}


# ---------------------------------------------------------------- trees and programs


class Stage:
    def __init__(self, root):
        self.root = root

    def path(self, name):
        return os.path.join(self.root, name)

    def put(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        machine.write(self.path(name), text)

    def boot(self, **files):
        """Lay down the tree, as old as an hour, and start the machine from it."""
        self.put("etc/hostname", "stage\n")
        for name, text in (("nginx", NGINX_FILE), ("sysctl", SYSCTL_FILE)):
            if name in files:
                self.put(text, files.pop(name))
        for name, text in files.pop("others", {}).items():
            self.put(name, text)
        age(self.root)
        machine.prepare(self.root)

    def serve(self, *listens, somaxconn=None):
        """Boot, and start an nginx that listens there."""
        files = {} if somaxconn is None else {"sysctl": somaxconn_line(somaxconn)}
        self.boot(nginx=nginx_conf(*listens), **files)
        return Nginx(self.root)


def age(root):
    before = time.time() - 3600
    for folder, folders, names in os.walk(root):
        for name in folders + names:
            os.utime(os.path.join(folder, name), (before, before))


def nginx_conf(*listens):
    return NGINX_CONF % "".join(SERVER % listen for listen in listens)


def somaxconn_line(value):
    return "net.core.somaxconn = %d\n" % value


def running(pid):
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return None


class Nginx:
    def __init__(self, root):
        machine.bind(root, "etc/nginx")
        machine.empty("/var/log/nginx")
        machine.two_processors()
        self.start()

    def start(self):
        started = machine.run("nginx")
        if started.returncode != 0:
            raise RuntimeError(started.stdout)
        wait("nginx has workers", lambda: len(self.workers()) == 2)

    def master(self):
        with open("/run/nginx.pid") as file:
            return int(file.read())

    def workers(self):
        """Those that serve: one that is shutting down says so in its title."""
        return [int(pid) for pid in machine.run("pgrep", "-P", str(self.master()), "-f",
                                                "worker process$").stdout.split()]

    def reload(self):
        before = set(self.workers())
        machine.run("nginx", "-s", "reload")
        wait("all workers are new", lambda: len(self.workers()) == 2 and not before & set(self.workers()))
        wait("the old workers are gone", lambda: all(running(pid) in (None, "Z") for pid in before))

    def restart(self):
        master = self.master()
        machine.run("nginx", "-s", "stop")
        wait("nginx has ended", lambda: running(master) in (None, "Z"))
        self.start()

    def freeze(self, *workers):
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        wait("workers stand still", lambda: all(running(pid) == "T" for pid in workers))


@contextlib.contextmanager
def node_runs(folder):
    program = subprocess.Popen(["node", "server.js"], cwd=folder, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]})
    try:
        yield program
    finally:
        program.kill()
        program.wait()


def sysctl(key, value):
    machine.write("/proc/sys/" + key.replace(".", "/"), value)


# ---------------------------------------------------------------- nothing is wrong


@scenario()
def idle_nginx(stage):
    stage.serve("80", "[::]:80", "127.0.0.1:8080 backlog=600", "unix:/run/web.sock", somaxconn=4096)
    yield known(queue("0.0.0.0:80", 511), queue("[::]:80", 511), queue("127.0.0.1:8080", 600),
                queue("/run/web.sock", 511))


@scenario()
def node(stage):
    stage.boot(others={"srv/app/server.js": NODE % "3000", "srv/app/package.json": '{"main": "server.js"}\n',
                       "srv/api/server.js": NODE % "{ port: 3001, host: '127.0.0.1', backlog: 64 }",
                       "srv/api/package.json": '{"main": "server.js"}\n'})
    machine.bind(stage.root, "srv")
    with node_runs("/srv/app"), node_runs("/srv/api"):
        wait("both listen", lambda: truth.at("*:3000") and truth.at("127.0.0.1:3001"))
        yield known(queue("*:3000", 511), queue("127.0.0.1:3001", 64))


@scenario()
def mptcp(stage):
    stage.boot()
    listener = traffic.tcp(8081, 7, protocol=socket.IPPROTO_MPTCP)
    plain = traffic.tcp(8082, 9)
    clients = traffic.fill(listener, 2)
    traffic.waits("127.0.0.1:8081", 2)
    yield known(queue("127.0.0.1:8081", 7, 2), queue("127.0.0.1:8082", 9), mptcp=["127.0.0.1:8081"])
    del clients, plain


@scenario()
def reuseport_nginx(stage):
    stage.serve("80 reuseport backlog=300")
    yield known(queue("0.0.0.0:80", 300, count=2))


# ---------------------------------------------------------------- the accept queue


@scenario(expects=["queue-filling"])
def full_queue(stage):
    stage.boot()
    listener = traffic.tcp(8080, 5)
    clients = traffic.fill(listener, 6)
    traffic.waits("127.0.0.1:8080", 6)
    yield known(queue("127.0.0.1:8080", 5, 6))
    del clients


@scenario(expects=["queue-filling"])
def filling(stage):
    stage.boot()
    listener = traffic.tcp(8080, 20)
    clients = traffic.fill(listener, 16)
    traffic.waits("127.0.0.1:8080", 16)
    yield known(queue("127.0.0.1:8080", 20, 16))
    del clients


@scenario(expects=["queue-filling"])
def unix_full(stage):
    stage.boot()
    full, abstract = traffic.unix("/run/app.sock", 2), traffic.unix(b"\0live", 5)
    packets = traffic.unix("/run/packets.sock", 3, socket.SOCK_SEQPACKET)
    clients = traffic.fill(full, 5) + traffic.fill(abstract, 1)
    traffic.waits("/run/app.sock", 3)
    traffic.waits("@live", 1)
    yield known(queue("/run/app.sock", 2, 3), queue("@live", 5, 1))
    del clients, packets


@scenario(expects=["overflowing"], allows=["queue-filling"])
def overflow_now(stage):
    """nginx's workers stand still; the kernel drops what does not fit and says nothing."""
    server = stage.serve("80 backlog=8")
    server.freeze(*server.workers())
    with background(traffic.knocking(80), 0.02):
        traffic.waits("0.0.0.0:80", 9)
        wait("it overflows", lambda: truth.counters()["ListenOverflows"])
        yield known(queue("0.0.0.0:80", 8, 9), moves=["ListenOverflows", "ListenDrops"])


@scenario(expects=["overflowing"], allows=["queue-filling"])
def overflow_now_abort(stage):
    """The queue fills between SYN and ACK: with tcp_abort_on_overflow=1 that ACK earns a reset. There
    are fewer strangers than half of what the SYN queue holds, so the kernel does not prune them."""
    stage.boot(sysctl="net.ipv4.tcp_abort_on_overflow = 1\n")
    listener = traffic.tcp(8080, 511)
    strangers = traffic.Strangers(8080)
    half = strangers.answers(strangers.knock(250))
    clients = traffic.fill(listener, 512)
    traffic.waits("127.0.0.1:8080", 512)
    late = iter(half.items())

    def step():
        for nth, number in itertools.islice(late, 1):
            strangers.acknowledge(nth, number)

    with background(step, 0.1), background(traffic.knocking(8080), 0.05):
        wait("resets are sent", lambda: truth.counters()["EmbryonicRsts"])
        yield known(queue("127.0.0.1:8080", 511, 512), half_open={"8080": (0, 250)},
                    moves=["ListenOverflows", "ListenDrops", "EmbryonicRsts"])
    del clients


@scenario(expects=["overflowing"], allows=["queue-filling"])
def overflow_now_late(stage):
    """The same without resets: the client thinks that it is connected, and its ACK is dropped again and
    again. The socket's own count (`ss -m`, d) goes up by two for each, ListenDrops by one."""
    stage.boot()
    listener = traffic.tcp(8080, 64)
    strangers = traffic.Strangers(8080)
    half = list(strangers.answers(strangers.knock(8)).items())
    clients = traffic.fill(listener, 65)
    traffic.waits("127.0.0.1:8080", 65)

    def step():
        half.append(half.pop(0))
        strangers.acknowledge(*half[0])

    with background(step, 0.05):
        wait("it overflows", lambda: truth.counters()["ListenOverflows"])
        yield known(queue("127.0.0.1:8080", 64, 65), moves=["ListenOverflows", "ListenDrops"],
                    half_open={"8080": (8, 8)})
    del clients


@scenario(expects=["overflowed-before"])
def overflowed_before(stage):
    stage.boot()
    listener = traffic.tcp(8080, 5)
    traffic.drain(listener, traffic.overflow(listener))
    traffic.waits("127.0.0.1:8080", 0)
    yield known(queue("127.0.0.1:8080", 5), counted=["ListenOverflows", "ListenDrops"])


# ---------------------------------------------------------------- the SYN queue


def flood(stage, cookies, moves, backlog=511):
    stage.boot(sysctl="net.ipv4.tcp_syncookies = %d\nnet.ipv4.tcp_max_syn_backlog = 4096\n" % cookies)
    listener = traffic.tcp(8080, backlog)
    strangers = traffic.Strangers(8080)
    with background(lambda: strangers.knock(20), 0.02):
        wait("the SYN queue is full", lambda: truth.counters()[moves[0]])
        # The kernel gives up half of what waits after some seconds; new ones take the places.
        yield known(queue("127.0.0.1:8080", backlog), moves=moves,
                    half_open={"8080": ((backlog + 1) // 2, backlog + 1)},
                    says={"half-open-flood": "looks like a SYN flood"})
    del listener


@scenario(expects=["half-open-flood"])
def half_open_flood(stage):
    yield from flood(stage, 1, ["TCPReqQFullDoCookies", "SyncookiesSent"])


@scenario(expects=["half-open-flood"])
def half_open_flood_of_a_short_queue(stage):
    yield from flood(stage, 1, ["TCPReqQFullDoCookies", "SyncookiesSent"], backlog=50)


@scenario(expects=["half-open-flood"])
def half_open_flood_no_cookies(stage):
    yield from flood(stage, 0, ["TCPReqQFullDrop", "ListenDrops"])


def bursts(stage, cookies, moves):
    """Five clients at once against a backlog of 3, all of them sincere, the listener quick: the SYN queue
    holds four of them. Again and again, each time to the end."""
    stage.boot(sysctl="net.ipv4.tcp_syncookies = %d\n" % cookies)
    listener = traffic.tcp(8080, 3)
    listener.settimeout(traffic.LIMIT * traffic.patience)
    strangers = traffic.Strangers(8080)

    def come_in(numbers):
        for nth, number in numbers.items():
            strangers.acknowledge(nth, number)
            traffic.reset_on_close(listener.accept()[0])

    def step():
        five = strangers.knock(5)
        first = strangers.answers(five if cookies else five[:4])
        come_in(first)
        for nth in set(five) - set(first):
            strangers.again(nth)
            come_in(strangers.answers([nth]))

    with background(step, 0.15):
        wait("a burst is over", lambda: truth.counters()["PassiveOpens"] >= 5)
        yield known(queue("127.0.0.1:8080", 3), moves=moves + ["PassiveOpens"], half_open={"8080": (0, 4)},
                    wavers=["127.0.0.1:8080"], says={"half-open-flood": "not a SYN flood"})


@scenario(expects=["half-open-flood"], allows=["overflowing", "overflowed-before", "queue-filling"])
def burst(stage):
    yield from bursts(stage, 1, ["TCPReqQFullDoCookies", "SyncookiesSent"])


@scenario(expects=["half-open-flood"], allows=["overflowing", "overflowed-before", "queue-filling"])
def burst_no_cookies(stage):
    yield from bursts(stage, 0, ["TCPReqQFullDrop", "ListenDrops"])


# ---------------------------------------------------------------- against the files


def raised(stage):
    """Started when somaxconn was 128; then the file says 4096 and is applied."""
    server = stage.serve("80", "127.0.0.1:8080 backlog=600", "unix:/run/web.sock", somaxconn=128)
    traffic.next_second()
    stage.put(SYSCTL_FILE, somaxconn_line(4096))
    machine.run("sysctl", "-p", stage.path(SYSCTL_FILE))
    return server


CLAMPED = [queue("0.0.0.0:80", 128), queue("127.0.0.1:8080", 128), queue("/run/web.sock", 128)]


@scenario(expects=["needs-relisten"])
def raised_somaxconn(stage):
    raised(stage)
    yield known(*CLAMPED, sysctls={"net.core.somaxconn": 4096})


@scenario(expects=["needs-relisten"])
def raised_somaxconn_reloaded(stage):
    raised(stage).reload()
    yield known(*CLAMPED, sysctls={"net.core.somaxconn": 4096})


@scenario()
def raised_somaxconn_restarted(stage):
    raised(stage).restart()
    yield known(queue("0.0.0.0:80", 511), queue("127.0.0.1:8080", 600), queue("/run/web.sock", 511),
                sysctls={"net.core.somaxconn": 4096})


def edited(stage):
    server = stage.serve("80 backlog=600")
    traffic.next_second()
    stage.put(NGINX_FILE, nginx_conf("80 backlog=700"))
    return server


@scenario(expects=["live-drift"])
def edited_config(stage):
    edited(stage)
    yield known(queue("0.0.0.0:80", 600))


@scenario()
def edited_config_reloaded(stage):
    server = edited(stage)
    server.reload()
    wait("the new backlog is in force", lambda: truth.at("0.0.0.0:80")[0]["limit"] == 700)
    yield known(queue("0.0.0.0:80", 700))


@scenario(expects=["live-drift"])
def lowered_somaxconn(stage):
    """By hand, and nginx has not noticed yet: its next start will not get what it has now."""
    stage.serve("80", somaxconn=4096)
    sysctl("net.core.somaxconn", 128)
    yield known(queue("0.0.0.0:80", 511), sysctls={"net.core.somaxconn": 128})


@scenario(expects=["live-drift"])
def lowered_somaxconn_restarted(stage):
    server = stage.serve("80", somaxconn=4096)
    sysctl("net.core.somaxconn", 128)
    server.restart()
    yield known(queue("0.0.0.0:80", 128), sysctls={"net.core.somaxconn": 128})


@scenario(expects=["live-drift"])
def raised_by_hand(stage):
    """It works until the next boot."""
    server = stage.serve("80", somaxconn=128)
    sysctl("net.core.somaxconn", 4096)
    server.restart()
    yield known(queue("0.0.0.0:80", 511), sysctls={"net.core.somaxconn": 4096})


# ---------------------------------------------------------------- SO_REUSEPORT


@scenario(expects=["reuseport-unbalanced"], allows=["queue-filling"])
def reuseport(stage):
    stage.boot()
    group = [traffic.tcp(8080, 5, shared=True) for _ in range(4)]
    stuck, clients = group[0], []

    def settled():
        """One client more; whoever comes to one of the others is served. True when one is full."""
        traffic.one_more(clients, 8080)
        for other in group[1:]:
            serve(other)
        return traffic.lengths(8080) == [0, 0, 0, 6]

    wait("one queue is full and the others are empty", settled)
    yield known(queue("127.0.0.1:8080", 5, [0, 0, 0, 6], count=4))
    del stuck


def serve(listener):
    listener.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        listener.accept()[0].close()


@scenario(expects=["reuseport-unbalanced"], allows=["queue-filling"])
def reuseport_nginx_stuck(stage):
    """One worker stands still; its socket fills while the other worker serves."""
    server = stage.serve("80 reuseport backlog=5")
    server.freeze(server.workers()[0])
    clients = []

    def settled():
        if traffic.lengths(80)[-1] < 6:
            traffic.one_more(clients, 80)
        return traffic.lengths(80) == [0, 6]

    wait("one queue is full and the other is empty", settled)
    yield known(queue("0.0.0.0:80", 5, [0, 6], count=2))


# ---------------------------------------------------------------- who looks, and at what


@scenario(expects=["overflowed-before"])
def two_namespaces(stage):
    """The same port three times, each in a namespace with a somaxconn of its own. Only in the named one
    a queue has overflowed."""
    stage.boot(sysctl=somaxconn_line(1024))
    blue = "/run/netns/blue"
    subprocess.run(["ip", "netns", "add", "blue"], check=True)
    subprocess.run(["ip", "-n", "blue", "link", "set", "lo", "up"], check=True)

    def in_blue(ready):
        traffic.join_namespace(blue)
        sysctl("net.core.somaxconn", 256)
        other = traffic.tcp(9090, 5)
        traffic.drain(other, traffic.overflow(other))
        listener = traffic.tcp(8080, 2000)
        return other, listener, traffic.fill(listener, 2)

    def in_nameless(ready):
        traffic.new_namespace()
        sysctl("net.core.somaxconn", 512)
        listener = traffic.tcp(8080, 2000)
        return listener, traffic.fill(listener, 3)

    with child(in_blue), child(in_nameless) as nameless:
        listener = traffic.tcp(8080, 2000)
        clients = traffic.fill(listener, 1)
        path = "/proc/%d/ns/net" % nameless.pid
        name = "net:[%d]" % truth.inode(path)
        traffic.waits("127.0.0.1:8080", 1)
        traffic.waits("127.0.0.1:8080", 2, blue)
        traffic.waits("127.0.0.1:8080", 3, path)
        yield known(queue("127.0.0.1:8080", 1024, 1), queue("127.0.0.1:8080", 256, 2, namespace="blue"),
                    queue("127.0.0.1:9090", 5, namespace="blue"),
                    queue("127.0.0.1:8080", 512, 3, namespace=name),
                    counted={"blue": ["ListenOverflows", "ListenDrops"]},
                    namespaces={"blue": blue, name: path})
    del clients


@scenario()
def vanishing(stage):
    """Sockets and processes come and go all the time; one listener stays."""
    stage.boot()

    def churn(ready):
        kept = []
        while True:
            kept = kept[-15:] + [traffic.tcp(0, 5)]
            pid = os.fork()
            if pid == 0:
                held = [traffic.tcp(0, 5) for _ in range(3)]
                time.sleep(0.01)
                os._exit(len(held) - 3)
            os.waitpid(pid, 0)
            if len(kept) == 16:
                ready()  # only the first time counts

    with child(churn):
        listener = traffic.tcp(8080, 50)
        yield known(queue("127.0.0.1:8080", 50), fleeting=True)
    del listener


HOSTILE_NAMES = [b"\x1b[2J\x07x", b"a\nb\r\n\tc", b"\xff\xfe\x9b2J\xc2\x9b1m", b"\x1b]0;owned\x07",
                 b'"),("x"))|%s']
HOSTILE_PATH = b"/run/\x1b[31mred\x07\nline\x7f.sock"


@scenario()
def hostile_name(stage):
    stage.boot()

    def named(nth, name):
        def work(ready):
            traffic.rename(name)
            return traffic.tcp(8080 + nth, 50)
        return work

    def on_a_path(ready):
        traffic.rename(HOSTILE_NAMES[0])
        return traffic.unix(HOSTILE_PATH, 50)

    with contextlib.ExitStack() as processes:
        for nth, name in enumerate(HOSTILE_NAMES):
            processes.enter_context(child(named(nth, name)))
        processes.enter_context(child(on_a_path))
        yield known(*(queue("127.0.0.1:%d" % (8080 + nth), 50) for nth in range(len(HOSTILE_NAMES))),
                    queue(HOSTILE_PATH.decode(), 50), hostile=True)


NOBODY = 65534


@scenario()
def unprivileged(stage):
    """Who looks is not root; of two listeners only one is its own."""
    stage.serve("80", somaxconn=4096)

    def nobodys(ready):
        traffic.become(NOBODY)
        return traffic.tcp(8080, 30)

    with child(nobodys):
        yield known(queue("0.0.0.0:80", 511), queue("127.0.0.1:8080", 30), user=NOBODY)


def readable(binary, root):
    """A copy of the program that anybody may run, beside the tree."""
    copy = os.path.join(os.path.dirname(root), "tool")
    shutil.copy(binary, copy)
    os.chmod(copy, 0o755)
    return copy
