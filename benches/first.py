#!/usr/bin/env python3
"""Time a newcomer's first two commands, from a clean clone, and compare them with the bar.

    benches/first.py [--keep FOLDER]

Clones this repository, builds in a target folder of its own, and runs README's two commands one after the other: the first
result on the bundled host, then all tests. Crates come from cargo's own cache where it has them: what is timed is compiling,
not the network. Run it on an idle machine. Exit code: 0 within the bar, 1 over it, 2 a command failed. Standard library only.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# What each is to take at most on two idle cores, in seconds: the aim, not what it takes today.
BAR = (75, 200)


def commands():
    """README's first two commands, as somebody would paste them."""
    with open(os.path.join(TOP, "README.md")) as file:
        found = re.findall(r"^\$ (cargo (?:run|test)[^#\n]*)", file.read(), re.M)
    return [command.strip() for command in found[:2]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", metavar="FOLDER", help="clone into this folder and leave it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        clone = asked.keep or os.path.join(scratch, "clone")
        subprocess.run(["git", "clone", "--quiet", TOP, clone], check=True)
        environment = {name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"}
        subprocess.run(["cargo", "fetch", "--quiet", "--locked"], cwd=clone, env=environment, check=True)
        over = False
        for command, bar in zip(commands(), BAR):
            begun = time.monotonic()
            done = subprocess.run(command, shell=True, cwd=clone, env=environment, capture_output=True, text=True)
            seconds = time.monotonic() - begun
            # An audit that finds something ends with 1.
            if done.returncode not in (0, 1):
                sys.stderr.write(done.stdout[-4000:] + done.stderr[-4000:])
                return 2
            over |= seconds > bar
            print("%-36s %4.0f s, at most %d" % (command, seconds, bar))
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
