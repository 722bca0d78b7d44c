#!/usr/bin/env python3
"""Count the instructions of audits of trees and of trees ten times as large, and print what grows faster than the tree.

    benches/growth.py [--binary FILE] [--most RATIO] [--keep FOLDER] [NAME...]

Each row plants a hostile tree of N things and one of 10 N, and runs the program on both under valgrind's callgrind,
with one thread: the counts are those of the work and not of the clock, so a busy machine changes nothing. What the
program takes for a tree of one thing is taken off. A name says which rows. `--keep` leaves the trees there, for a look
at the seconds and the memory of larger ones. Exit code: 0 all linear, 1 some not, 2 no valgrind. Standard library only.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def write(tree, path, text):
    path = os.path.join(tree, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def each(count, text):
    return "".join(text(nth) for nth in range(count))


def address(nth):
    return "10.%d.%d.%d" % (nth >> 16 & 255, nth >> 8 & 255, nth & 255)


def nginx(tree, http, where="etc/nginx/nginx.conf"):
    write(tree, where, "events { worker_connections 99999; }\nhttp {\n%s\n}\n" % http)


def policy(tree, text):
    os.makedirs(os.path.join(tree, ".git"), exist_ok=True)
    write(tree, "backlog-audit.toml", text)


def clamped(count):
    return each(count, lambda nth: "server { listen %s:80 backlog=%d; }\n" % (address(nth), 1000 + nth))


def short_line(tree, count):
    nginx(tree, "server { server_name \u00fc; %s }" % each(count, lambda nth: "listen %s:80; " % address(nth)))


def hosts(tree, count):
    write(tree, "etc/hosts", each(count, lambda nth: "%s same\n" % address(nth)))
    write(tree, "etc/apache2/apache2.conf", "Listen same:80\n")
    write(tree, "etc/haproxy/haproxy.cfg", "frontend f\n bind same:81\n")
    write(tree, "etc/squid/squid.conf", "http_port same:3128\n")


def targets(tree, count):
    policy(tree, each(count, lambda nth: '[[target]]\nname = "t%d"\npath = "d%d"\n' % (nth, nth)))
    for nth in range(count):
        nginx(tree, "server { listen 80; }", "d%d/nginx.conf" % nth)


def excludes(tree, count):
    policy(tree, "exclude = [%s]\n" % each(count, lambda nth: '"**/d%d*",' % nth))
    for nth in range(count // 4):
        nginx(tree, "server { listen 80; }", "e%d/nginx.conf" % nth)


def ignored_paths(tree, count):
    policy(tree, each(count, lambda nth: '[[ignore]]\npath = "d%d"\nreason = "x"\n' % nth))
    write(tree, "etc/sysctl.d/a.conf", "net.core.somaxconn = 100\n")
    for nth in range(count):
        nginx(tree, "server { listen 80 backlog=200; }", "d%d/nginx.conf" % nth)


def ignored_listeners(tree, count):
    policy(tree, each(count, lambda nth: '[[ignore]]\nlistener = "*:%s:80"\nreason = "x"\n' % address(nth)))
    write(tree, "etc/sysctl.d/a.conf", "net.core.somaxconn = 100\n")
    nginx(tree, clamped(count), "nginx.conf")


def minimums(tree, count):
    policy(tree, each(count, lambda nth: '[[minimum]]\naddress = "%s:80"\nat-least = 9\n' % address(nth)))
    nginx(tree, clamped(count), "nginx.conf")


def units(tree, count):
    write(tree, "etc/default/shared", each(150, lambda nth: "V%d=\n" % nth))
    for nth in range(count):
        unit = "[Service]\nEnvironmentFile=/etc/default/shared\nExecStart=/usr/bin/gunicorn -b :%d a\n" % (nth + 1)
        write(tree, "etc/systemd/system/u%d.service" % nth, unit)


def upstream(tree, count):
    servers = each(count, lambda nth: "server %s:80;\n" % address(nth))
    fronts = each(count, lambda nth: "server { listen %d; location / { proxy_pass http://u; } }\n" % (nth + 1))
    nginx(tree, "upstream u { %s }\n%s" % (servers, fronts))


def fixes(tree, count):
    write(tree, "etc/sysctl.d/a.conf", "net.core.somaxconn = 100\n")
    nginx(tree, clamped(count))


def one_line(tree, count):
    write(tree, "etc/sysctl.d/a.conf", "net.core.somaxconn = 100\n")
    nginx(tree, clamped(count).replace("\n", " "))


def comments(tree, count):
    write(tree, "etc/sysctl.d/a.conf", "net.core.somaxconn = 100\n")
    said = "# backlog-audit: ignore queue-clamped -- x\n"
    nginx(tree, said * count + one_line_text(count) + each(count, lambda nth: said + "\n"))


def one_line_text(count):
    return clamped(count).replace("\n", " ") + "\n"


def typos(tree, count):
    for nth in range(count // 10 + 1):
        write(tree, "etc/sysctl.d/%d.conf" % nth, "net.core.somaxcon = 100\n" * 10)


ROWS = [
    ("line", 400, "json", short_line),
    ("hosts", 400, "json", hosts),
    ("targets", 100, "human", targets),
    ("excludes", 1000, "json", excludes),
    ("ignored-paths", 100, "human", ignored_paths),
    ("ignored-listeners", 400, "human", ignored_listeners),
    ("minimums", 400, "human", minimums),
    ("units", 100, "json", units),
    ("upstream", 400, "json", upstream),
    ("fixes", 400, "json", fixes),
    ("fixes-sarif", 400, "sarif", fixes),
    ("fixes-human", 400, "human", fixes),
    ("one-line", 400, "sarif", one_line),
    ("one-line-gitlab", 400, "gitlab", one_line),
    ("one-line-human", 400, "human", one_line),
    ("comments", 400, "json", comments),
    ("typos", 400, "sarif", typos),
]


def instructions(binary, form, tree):
    """What callgrind counts of one audit."""
    argv = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", binary, "--offline", "--fail-on", "never"]
    done = subprocess.run(argv + ["-f", form, tree], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, env=dict(os.environ, RAYON_NUM_THREADS="1"))
    counted = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not counted:
        sys.exit("%s: exit code %d\n%s" % (tree, done.returncode, done.stderr))
    return int(counted.group(1))


def main():
    words = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    words.add_argument("--binary", default=os.path.join(TOP, "target/release/backlog-audit"))
    words.add_argument("--most", type=float, default=12.0)
    words.add_argument("--keep")
    words.add_argument("names", nargs="*")
    given = words.parse_args()
    if not shutil.which("valgrind"):
        print("valgrind is needed to count instructions", file=sys.stderr)
        sys.exit(2)
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="backlog-audit-growth-") as scratch:
        for name, size, form, plant in ROWS:
            if given.names and name not in given.names:
                continue
            counts = []
            for count in (1, size, 10 * size):
                tree = os.path.join(given.keep or scratch, "%s-%d" % (name, count))
                plant(tree, count)
                counts.append(instructions(given.binary, form, tree))
            start, small, large = counts
            ratio = (large - start) / max(small - start, 1)
            wrong += ratio > given.most
            print("%-18s %-7s %6d: %7.1f M, %6d: %8.1f M, %5.1fx%s" % (
                name, form, size, (small - start) / 1e6, 10 * size, (large - start) / 1e6, ratio,
                "  <-- grows too fast" if ratio > given.most else ""), flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
