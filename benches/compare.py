#!/usr/bin/env python3
"""Measure backlog-audit beside its peers in one run, and print the ratios.

    benches/compare.py [--runs N] [--binary FILE]

Each row runs the two commands in turn and gives the medians of whole processes, start-up included. The peers
are `nginx -t`, which parses the same files, and `grep -rl`, which reads the same bytes. Answers are checked
against the generator's, so that nobody is fast by being wrong. Standard library only.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def once(argv):
    """Wall seconds and peak resident MiB of one process."""
    begun = time.perf_counter()
    child = subprocess.Popen(argv, **QUIET)
    _, _, used = os.wait4(child.pid, 0)
    return time.perf_counter() - begun, used.ru_maxrss / 1024


def in_turn(ours, peer, runs):
    """Medians of both, run after run, so that a busy machine slows both."""
    rows = {"ours": [], "peer": []}
    once(ours), once(peer)
    for _ in range(runs):
        rows["ours"].append(once(ours))
        rows["peer"].append(once(peer))
    seconds = {who: statistics.median(row[0] for row in measured) for who, measured in rows.items()}
    return seconds["ours"], seconds["peer"], max(row[1] for row in rows["ours"])


def row(what, peer, measured):
    ours, theirs, memory = measured
    print("| %-28s | %8.1f ms | %-22s | %8.1f ms | %6.2fx | %5.0f MiB |"
          % (what, ours * 1e3, peer, theirs * 1e3, theirs / ours, memory), flush=True)


def check(binary, tree):
    """Every listener of the generated tree has the queue that the generator computed."""
    done = subprocess.run([binary, "--offline", "--kernel", "6.12", "--fail-on", "never", "-f", "json", tree],
                          stdout=subprocess.PIPE, check=True)
    shown = {l["address"]: l["queue"]["limit"] for l in json.loads(done.stdout)["listeners"]}
    with open(os.path.join(tree, "expected.json")) as file:
        wanted = {a: l["effective"] for a, l in json.load(file)["listeners"].items()}
    if shown != wanted:
        sys.exit("%s: %d listeners differ" % (tree, sum(shown.get(a) != n for a, n in wanted.items())))
    return len(wanted)


def main():
    words = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    words.add_argument("--runs", type=int, default=11)
    words.add_argument("--binary", default=os.path.join(os.path.dirname(HERE), "target/release/backlog-audit"))
    given = words.parse_args()
    audit = [given.binary, "--offline", "--fail-on", "never", "-f", "json"]
    print("| %-28s | %11s | %-22s | %11s | %7s | %9s |" % ("tree", "ours", "other program", "its time", "faster", "peak"))
    print("|%s|%s|%s|%s|%s|%s|" % ("-" * 30, "-" * 12 + ":", "-" * 24, "-" * 12 + ":", "-" * 8 + ":", "-" * 10 + ":"))
    with tempfile.TemporaryDirectory(prefix="backlog-audit-bench-") as scratch:
        for vhosts in (1000, 10000):
            tree = os.path.join(scratch, str(vhosts))
            subprocess.run([sys.executable, os.path.join(HERE, "gen_nginx_tree.py"), tree, str(vhosts)],
                           check=True, stdout=subprocess.DEVNULL)
            right = check(given.binary, tree)
            nginx = ["nginx", "-t", "-p", tree, "-c", "nginx.conf"]
            row("%d nginx vhosts (%d right)" % (vhosts, right), "nginx -t", in_turn(audit + [tree], nginx, given.runs))
    grep = ["grep", "-rl", "somaxconn", "/etc"]
    row("this machine's /etc", " ".join(grep), in_turn(audit + ["/etc"], grep, given.runs))
    small = os.path.join(os.path.dirname(HERE), "examples", "host")
    grep = ["grep", "-rl", "somaxconn", small]
    row("examples/host", "grep -rl somaxconn", in_turn(audit + [small], grep, given.runs))


if __name__ == "__main__":
    main()
