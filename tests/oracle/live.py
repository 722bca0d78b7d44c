#!/usr/bin/env python3
"""Make a machine's queues fill, overflow and be flooded, and see whether `backlog-audit live` says so.

    live --truth [SCENARIO...]       without the tool: each scenario must reach the state that it promises;
                                     prints what ss and nstat say of it
    live --check BIN [SCENARIO...]   BIN's words and numbers against ss, nstat and what is known
    live --record BIN [SCENARIO...]  write tests/cases/live/SCENARIO: the tree, what BIN saw, and the truth

Every scenario has its own network, mount and process namespaces: nothing leaves loopback, nothing
outlives the run. The scenarios are in live_scenarios.py. Standard library only.
"""
import argparse
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import live_checks as checks  # noqa: E402
import live_scenarios as scenarios  # noqa: E402
import live_traffic as traffic  # noqa: E402
import live_truth as truth  # noqa: E402

CASES = os.path.join(os.path.dirname(HERE), "cases", "live")
WINDOW = 2  # seconds


# ---------------------------------------------------------------- inside the namespaces


def run_tool(binary, root, known, *options):
    user = known.get("user")
    program = scenarios.readable(binary, root) if user else binary
    who = dict(user=user, group=user, extra_groups=[]) if user else {}
    return subprocess.run([program, "live", *options, root], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=60 * traffic.patience, **who)


def measure(binary, root, known):
    """Without the tool: let the same time pass."""
    if not binary:
        time.sleep(WINDOW)
        return {}
    done = run_tool(binary, root, known, "--format", "json", "--for", "%ds" % WINDOW)
    result = {"code": done.returncode, "printed": done.stdout.decode("latin-1"),
              "complained": done.stderr.decode(errors="replace")}
    if known.get("hostile"):
        text = run_tool(binary, root, known, "--color", "never", "--verbose").stdout
        result["human"] = text.decode(errors="replace")
    return result


def inside(name, root, binary):
    with scenarios.SCENARIOS[name](scenarios.Stage(root)) as known:
        before = truth.seen(known["namespaces"], known.get("user"))
        began = time.monotonic()
        result = measure(binary, root, known)
        lasted = time.monotonic() - began
        after = truth.seen(known["namespaces"], known.get("user"))
    result.update(known=known, before=before, after=after, lasted=lasted)
    print(json.dumps(result))


# ---------------------------------------------------------------- outside


def enter(name, root, binary):
    """Run the scenario in a machine of its own, as capture.py does."""
    argv = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
            sys.executable, os.path.abspath(__file__), "--inside", root, "--patience", str(traffic.patience)]
    tool = ["--check", binary] if binary else ["--truth"]
    done = subprocess.run([*argv, *tool, name], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=180 * traffic.patience)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or done.stdout.strip())
    return json.loads(done.stdout)


def summary(result):
    """What ss says at the end, and by how much nstat's numbers have moved."""
    lines = []
    for name, after in result["after"].items():
        lines.append("%s: somaxconn %s" % (name, after["sysctls"]["net.core.somaxconn"]))
        lines += ["  " + checks.plain(line.rstrip()) for line in after["said"].split("\n") if line]
        lines += ["  half open at port %s: %s" % row for row in sorted(after["half_open"].items())]
        before = result["before"][name]["counters"]
        lines += ["  %s %d, moved by %d" % (counter, value, value - before[counter])
                  for counter, value in after["counters"].items() if value]
    return "\n".join(lines)


def record(name, root, result):
    """The times, processes and inodes stay as they were: what is judged later is this machine."""
    folder = os.path.join(CASES, name)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root, os.path.join(folder, "root"), symlinks=True)
    for path, _, _ in os.walk(os.path.join(folder, "root"), topdown=False):
        if not os.listdir(path):
            os.rmdir(path)  # git keeps no empty folder
    kept = {"known": result["known"], "before": result["before"], "after": result["after"],
            "expects": sorted(scenarios.SCENARIOS[name].expects),
            "allows": sorted(scenarios.SCENARIOS[name].allows)}
    running = json.loads(result["printed"])["running"]
    running["release"] = running["release"].split("-")[0]
    for file, value in (("running", running), ("truth", kept)):
        with open(os.path.join(folder, file + ".json"), "w") as out:
            out.write(json.dumps(value, indent=1) + "\n")


def perform(name, given):
    """What went wrong, and what to print."""
    began = time.monotonic()
    binary = given.check or given.record
    with tempfile.TemporaryDirectory(prefix="oracle-") as scratch:
        root = os.path.join(scratch, "root")
        os.mkdir(root)
        os.chmod(scratch, 0o755)
        try:
            result = enter(name, root, binary and os.path.abspath(binary))
            wrong = checks.reached(result)
            if binary and not wrong:
                wrong = checks.compared(result, scenarios.SCENARIOS[name])
            if given.record and not wrong:
                record(name, root, result)
        except Exception as error:  # a scenario that cannot be run is a failed one
            return ["%s: %s" % (type(error).__name__, error)], "", time.monotonic() - began
        return wrong, summary(result), time.monotonic() - began


def main():
    words = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    task = words.add_mutually_exclusive_group(required=True)
    task.add_argument("--truth", action="store_true")
    task.add_argument("--check", metavar="BIN")
    task.add_argument("--record", metavar="BIN")
    words.add_argument("--inside", metavar="ROOT", help=argparse.SUPPRESS)
    words.add_argument("--jobs", type=int, default=4)
    words.add_argument("--patience", type=float, default=1.0, metavar="FACTOR",
                       help="how many times longer than usual a state may take to come about")
    words.add_argument("scenarios", nargs="*", metavar="SCENARIO")
    given = words.parse_args()
    traffic.patience = given.patience
    if given.inside:
        return inside(given.scenarios[0], given.inside, given.check)
    names = given.scenarios or list(scenarios.SCENARIOS)
    unknown = set(names) - set(scenarios.SCENARIOS)
    if unknown:
        words.error("no such scenario: %s; there are %s"
                    % (", ".join(sorted(unknown)), ", ".join(scenarios.SCENARIOS)))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        for name, (wrong, said, took) in zip(names, pool.map(lambda name: perform(name, given), names)):
            print("%s %s (%.1f s)" % ("FAILED" if wrong else "ok", name, took), flush=True)
            for line in wrong:
                print("  WRONG: " + checks.plain(line))
            if given.truth or wrong:
                print("    " + said.replace("\n", "\n    "))
            failed += bool(wrong)
    print("live: %d passed, %d failed" % (len(names) - failed, failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
