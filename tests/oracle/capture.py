#!/usr/bin/env python3
"""Ask the real servers and the real kernel, and record what they say beside each case.

    capture SERVICE [CASE...]           run the cases and write truth.json beside each
    capture --check SERVICE [CASE...]   run them again and fail where the record differs
    capture --patched BIN SERVICE [CASE...]
                                        apply BIN's patch to each tree first, then compare
                                        what the kernel shows with what BIN promises
    capture --packages                  the Debian packages that all of them need

`--part K/N` takes the cases of one part of N, spread evenly: who runs the parts in turn has run them all.

A case is a folder with `root/`, a small root filesystem, and `truth.json`. Every run has its own
network, mount and process namespaces: nothing leaves loopback, nothing outlives the run. What a
service needs to be started is in the module of its name beside this file. Standard library only.
"""
import argparse
import concurrent.futures
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(os.path.dirname(HERE), "cases")
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
from machine import prepare, write  # noqa: E402


def folder(service):
    kinds = {"sysctl": "kernel", "listen": "kernel", "unit": "commands", "supervisor": "commands",
             "started": "commands"}
    return os.path.join(CASES, kinds.get(service, "services"), service)


def packages():
    """What each service's module names as its `PACKAGES`."""
    modules = [importlib.import_module(service) for service in sorted(os.listdir(os.path.join(CASES, "services")))]
    return sorted({name for module in modules for name in getattr(module, "PACKAGES", "").split()})


def part(text):
    index, count = (int(word) for word in text.split("/"))
    return lambda case: zlib.crc32(case.encode()) % count == index % count


# ---------------------------------------------------------------- inside the namespaces


def inside(service, case, root):
    module = importlib.import_module(service)
    getattr(module, "prepare", prepare)(root)
    print(json.dumps(module.truth(case, root), indent=1, sort_keys=True))


# ---------------------------------------------------------------- outside


def enter(service, case, root):
    done = subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
         sys.executable, os.path.abspath(__file__), "--inside", root, service, case],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError("%s: %s" % (case, done.stderr.strip() or done.stdout.strip()))
    truth = json.loads(done.stdout)
    truth["kernel"] = ".".join(os.uname().release.split(".")[:2])
    return truth


def copied(service, case, use):
    """A copy of the case's tree, so that no run can leave a trace in the repository."""
    with tempfile.TemporaryDirectory(prefix="oracle-") as scratch:
        root, files = os.path.join(scratch, "root"), os.path.join(folder(service), case, "root")
        shutil.copytree(files, root, symlinks=True) if os.path.isdir(files) else os.mkdir(root)
        os.chmod(scratch, 0o755)
        return use(root)


def show(value):
    return json.dumps(value, indent=1, sort_keys=True) + "\n"


def steady(truth):
    """What has to be the same on another machine: not the versions of what was asked."""
    return {key: value for key, value in truth.items() if key not in ("server", "kernel", "said")}


def capture(service, case, check):
    truth = copied(service, case, lambda root: enter(service, case, root))
    path = os.path.join(folder(service), case, "truth.json")
    if not check:
        write(path, show(truth))
        return None
    with open(path) as file:
        recorded = json.load(file)
    if steady(recorded) != steady(truth):
        return "recorded %snow %s" % (show(steady(recorded)), show(steady(truth)))
    return None


def audit(binary, root, *options):
    done = subprocess.run([binary, "--as", "root", "--offline", "--kernel", os.uname().release,
                           "--config", os.path.join(HERE, "minimum.toml"),
                           "--unsafe-fixes", "--fail-on", "never", *options, root],
                          stdout=subprocess.PIPE, check=True)
    return done.stdout


def patched(binary, service, case):
    def use(root):
        patch = audit(binary, root, "--format", "patch")
        if not patch:
            return None
        subprocess.run(["patch", "-s", "-p1", "-d", root], input=patch, check=True)
        report = json.loads(audit(binary, root, "--format", "json"))
        short = [f["listener"] for f in report["findings"] if f["rule"] == "queue-below-minimum" and f["fixes"]]
        if short:
            return "the patch leaves these as short as they were: %s" % short
        truth = enter(service, case, root)
        if truth.get("refused"):
            return "the server refuses the patched tree: %s" % truth["refused"]
        promised = sorted((l["transport"], l["address"], l["queue"]["limit"])
                          for l in report["listeners"] if l["service"] == service and l["address"])
        shown = sorted((l["transport"], l["address"] or "", l["limit"]) for l in truth["listeners"])
        missing = [row for row in promised if row not in shown]
        return "promised %s, the kernel shows %s" % (missing, shown) if missing else None
    with open(os.path.join(folder(service), case, "truth.json")) as file:
        if json.load(file).get("refused"):
            return None
    return copied(service, case, use)


def main():
    words = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    words.add_argument("--check", action="store_true")
    words.add_argument("--patched", metavar="BIN")
    words.add_argument("--inside", metavar="ROOT", help=argparse.SUPPRESS)
    words.add_argument("--packages", action="store_true")
    words.add_argument("--part", type=part, metavar="K/N", default="0/1")
    words.add_argument("--jobs", type=int, default=4)
    words.add_argument("service", nargs="?")
    words.add_argument("cases", nargs="*")
    given = words.parse_args()
    if given.packages:
        return print(" ".join(packages()))
    if not given.service:
        words.error("name a service")
    if given.inside:
        return inside(given.service, given.cases[0], given.inside)
    known = given.cases or sorted(os.listdir(folder(given.service)))
    cases = given.cases or [case for case in known if given.part(case)]
    module = importlib.import_module(given.service)
    getattr(module, "install", lambda: None)()

    def one(case):
        try:
            if given.patched:
                return patched(os.path.abspath(given.patched), given.service, case)
            return capture(given.service, case, given.check)
        except Exception as error:  # a case that cannot be run is a failed case
            return "%s: %s" % (type(error).__name__, error)

    with concurrent.futures.ThreadPoolExecutor(getattr(module, "JOBS", given.jobs)) as pool:
        results = list(pool.map(one, cases))
    failed = [(case, why) for case, why in zip(cases, results) if why]
    for case, why in failed:
        print("FAILED %s/%s\n%s" % (given.service, case, why))
    print("%s: %d passed, %d failed" % (given.service, len(cases) - len(failed), len(failed)))
    # A part of a few cases may be empty, their folder may not.
    sys.exit(1 if failed or not known else 0)


if __name__ == "__main__":
    main()
