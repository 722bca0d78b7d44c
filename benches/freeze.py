#!/usr/bin/env python3
"""Compare what two builds of backlog-audit say of the same trees and print what differs.

    benches/freeze.py OLD NEW [--only TEXT] [--but-words] [--jobs N] [--shown LINES] [FOLDER...]

Both programs audit every recorded tree of tests/cases, examples/host, and each FOLDER: one that holds only folders
is a folder of trees, any other is a tree itself. Each tree is read as a root filesystem and as what the program guesses.
Compared byte by byte are the JSON report, the human report and the patch with the unsafe fixes, with the exit code,
but for the numbers of the lines in our own tables, which may move; with --but-words
the JSON report without its sentences, and the patch. Recorded trees get
the options that stand beside them (`request.json`, the kernel of `truth.json`). A refactoring must show no difference.
Exit code: 0 the same, 1 something differs, 2 it could not be compared. Standard library only.
"""
import argparse
import concurrent.futures
import difflib
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
# The longest that an audit may take, in seconds: a tree may be made to hang one of the two.
PATIENCE = 60


def recorded():
    """The trees of the repository: `root` folders and what stands beside them as one."""
    trees = [(os.path.join(TOP, "examples", "host"), [])]
    cases = os.path.join(TOP, "tests", "cases")
    for folder, inside, files in os.walk(cases):
        if "root" in inside:
            trees.append((os.path.join(folder, "root"), options_beside(folder, files)))
            inside.remove("root")
    return sorted(trees)


def options_beside(folder, files):
    """The options that a case is asked with."""
    options, kernel = [], None
    if "truth.json" in files:
        kernel = read_json(os.path.join(folder, "truth.json")).get("kernel")
    if "request.json" in files:
        asked = read_json(os.path.join(folder, "request.json"))
        kernel = asked.get("kernel", kernel)
        for key, value in sorted(asked.get("set", {}).items()):
            options += ["--set", "%s=%s" % (key, value)]
        if "rules" in asked:
            options += ["--rules", os.path.join(folder, asked["rules"])]
    return options + (["--kernel", kernel] if isinstance(kernel, str) else [])


def read_json(path):
    with open(path) as file:
        found = json.load(file)
    return found if isinstance(found, dict) else {}


def trees_of(folder):
    """A folder of trees, or the tree that it is."""
    inside = sorted(os.scandir(folder), key=lambda entry: entry.name)
    if inside and all(entry.is_dir(follow_symlinks=False) for entry in inside) and "etc" not in {e.name for e in inside}:
        return [(entry.path, []) for entry in inside]
    return [(folder, [])]


def moved(text):
    """A text in which no line of our own tables has a number: a fact may move in its file."""
    text = re.sub(rb"(builtin:rules/[\w./-]+:)[0-9]+(:[0-9]+)?", rb"\1N", text)
    places = rb'("path": "builtin:rules/[^"]+",)((?:\s*"(?:end_)?(?:line|column)": [0-9]+,?)+)'
    return re.sub(places, lambda found: found.group(1) + re.sub(rb"[0-9]+", b"0", found.group(2)), text)


def said(binary, tree, options):
    """What one program says of a tree: standard output, standard error, the files that it wrote, and its exit code."""
    with tempfile.TemporaryDirectory() as scratch:
        written = {kind: os.path.join(scratch, kind) for kind in ("json", "patch")}
        argv = [os.path.abspath(binary), "--offline", "--fail-on", "warning", "--color", "never", "--unsafe-fixes",
                "--format", "human", *options]
        for kind, path in written.items():
            argv += ["--format", "%s=%s" % (kind, path)]
        clean = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": scratch}
        try:
            done = subprocess.run([*argv, "."], cwd=tree, env=clean, capture_output=True, timeout=PATIENCE)
            code, out, err = done.returncode, done.stdout, done.stderr
        except subprocess.TimeoutExpired:
            code, out, err = "none within %d s" % PATIENCE, b"", b""
        both = {"exit code": str(code).encode(), "human": out, "standard error": err}
        for kind, path in written.items():
            both[kind] = b""
            if os.path.exists(path):
                with open(path, "rb") as file:
                    both[kind] = file.read()
        return {kind: moved(text.replace(scratch.encode(), b"SCRATCH")) for kind, text in both.items()}


# The fields of the JSON report that hold sentences.
WORDS = ("what", "message", "help", "title")


def wordless(report):
    """A JSON report without its sentences, one value a line."""
    def without(part):
        if isinstance(part, dict):
            return {key: without(value) for key, value in part.items() if key not in WORDS}
        return [without(value) for value in part] if isinstance(part, list) else part
    return json.dumps(without(json.loads(report or b"null")), indent=1).encode()


def differences(old, new, but_words, row):
    """What differs for one tree, as (name, kind, lines of a diff)."""
    tree, options = row
    found = []
    for how in (["--as", "root"], []):
        before, after = said(old, tree, [*how, *options]), said(new, tree, [*how, *options])
        if but_words:
            before, after = ({**said_of, "json": wordless(said_of["json"]), "human": b""} for said_of in (before, after))
        for kind in before:
            if before[kind] != after[kind]:
                lines = [text.decode("utf-8", "backslashreplace").splitlines() for text in (before[kind], after[kind])]
                name = "%s (%s)" % (os.path.relpath(tree), " ".join([*how, *options]) or "as guessed")
                found.append((name, kind, list(difflib.unified_diff(*lines, "old", "new", lineterm="", n=1))))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("folders", nargs="*", metavar="FOLDER")
    parser.add_argument("--only", metavar="TEXT", default="", help="recorded trees whose path holds this")
    parser.add_argument("--but-words", action="store_true", help="sentences may differ")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--shown", type=int, default=20, help="lines of each difference (default: 20)")
    asked = parser.parse_args()
    for path in (asked.old, asked.new):
        if not os.access(path, os.X_OK):
            parser.error("%s is no program" % path)
    rows = [row for row in recorded() if asked.only in row[0]]
    try:
        for folder in asked.folders:
            rows += trees_of(folder)
    except OSError as error:
        parser.error(str(error))
    differing = set()
    with concurrent.futures.ThreadPoolExecutor(asked.jobs) as pool:
        for found in pool.map(lambda row: differences(asked.old, asked.new, asked.but_words, row), rows):
            for name, kind, lines in found:
                differing.add(name)
                print("%s: %s differs" % (name, kind))
                for line in lines[:asked.shown]:
                    print("    " + line[:300])
                if len(lines) > asked.shown:
                    print("    ... %d lines more" % (len(lines) - asked.shown))
    print("%d trees, %d of %d audits differ" % (len(rows), len(differing), 2 * len(rows)))
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
