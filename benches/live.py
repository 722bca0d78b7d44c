#!/usr/bin/env python3
"""Time `backlog-audit live --for 0s` beside `ss -lntp`, in turn, on a machine with many listening sockets.

    live.py BIN [SOCKETS] [ROUNDS]

Runs in network and process namespaces of its own. Two machines are measured: nginx with a master and four workers, which all
hold every socket, and one process that holds them alone. Also measured: what `live --for 10s` costs while 1,000 sockets
listen, one of them filling. Needs nginx and iproute2. Standard library only.
"""
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time

WORKERS = 4
PORTS = 500  # of each address


def addresses(count):
    return [("127.0.%d.1" % (1 + nth // PORTS), 2000 + nth % PORTS) for nth in range(count)]


def nginx(folder, count):
    listens = "".join("    listen %s:%d;\n" % address for address in addresses(count))
    path = os.path.join(folder, "nginx.conf")
    with open(path, "w") as file:
        file.write("pid %s/nginx.pid;\nworker_processes %d;\nworker_rlimit_nofile %d;\n"
                   "events { worker_connections %d; }\nhttp {\n  access_log off;\n  server {\n%s  }\n}\n"
                   % (folder, WORKERS, count + 1000, count + 500, listens))
    return subprocess.Popen(["nginx", "-c", path, "-e", "stderr", "-g", "daemon off;"], stderr=subprocess.DEVNULL)


def alone(_, count):
    """A process that holds all of them by itself."""
    child = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--hold", str(count)])
    return child


def hold(count):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    kept = [listener(address) for address in addresses(count)]
    time.sleep(600)
    del kept


def listener(address):
    made = socket.socket()
    made.bind(address)
    made.listen(128)
    return made


def listening():
    return subprocess.run(["ss", "-lntH"], stdout=subprocess.PIPE).stdout.count(b"\n")


def seconds(argv):
    began = time.perf_counter()
    subprocess.run(argv, stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began


def compare(name, start, binary, count, rounds):
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(os.path.join(folder, "root/etc"))
        server = start(folder, count)
        while listening() < count:
            time.sleep(0.2)
        time.sleep(1)
        ours = [binary, "live", "--for", "0s", "--as", "root", "--fail-on", "never", os.path.join(folder, "root")]
        times = {"ours": [], "ss": []}
        for _ in range(rounds):
            times["ss"].append(seconds(["ss", "-lntp"]))
            times["ours"].append(seconds(ours))
        server.terminate()  # a master takes its workers along
        server.wait()
        while listening():
            time.sleep(0.1)
    mine, peer = (statistics.median(times[key]) * 1000 for key in ("ours", "ss"))
    print("| %s | %.1f ms | ss -lntp | %.1f ms | %.1fx |" % (name, mine, peer, peer / mine), flush=True)


def cost(binary, count=1000):
    """The share of one core that `live --for 10s` takes while a queue has something in it."""
    listeners = [listener(address) for address in addresses(count)]
    clients = [socket.create_connection(addresses(count)[0]) for _ in range(20)]
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        took = {}
        for window in ("0s", "10s"):
            seconds([binary, "live", "--for", window, "--as", "root", "--fail-on", "never", folder])
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            took[window] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            before = after
    share = (took["10s"] - took["0s"]) / 10 * 100
    print("sampling %d sockets takes %.2f%% of one core" % (count, share), flush=True)
    del clients, listeners


def main():
    if sys.argv[1] == "--hold":
        return hold(int(sys.argv[2]))
    binary = os.path.abspath(sys.argv[1])
    count, rounds = (int(word) for word in (sys.argv[2:] + ["10000", "15"][len(sys.argv) - 2:])[:2])
    if os.environ.get("INSIDE") != "1":
        os.execvpe("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                               sys.executable, os.path.abspath(__file__), binary, str(count), str(rounds)],
                   dict(os.environ, INSIDE="1"))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print("| %d listening sockets | ours | other program | its time | faster |\n|---|---:|---|---:|---:|" % count)
    compare("nginx: a master and %d workers" % WORKERS, nginx, binary, count, rounds)
    compare("one process", alone, binary, count, rounds)
    cost(binary)


if __name__ == "__main__":
    main()
