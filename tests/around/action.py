#!/usr/bin/env python3
"""Runs the steps of action.yml as GitHub's runner would, all but the build. Usage: tests/around/action.py PROGRAM"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


def expanded(text, inputs):
    """What an expression of the action stands for; there are only two kinds."""

    def value(match):
        name = match[1].strip()
        if name == "github.action_path":
            return str(ROOT)
        return inputs[name.removeprefix("inputs.")]

    return re.sub(r"\$\{\{(.*?)\}\}", value, text)


def run(program, tree, **given):
    """The exit code, the log, the summary and the outputs of a job in a folder of its own."""
    inputs = {name: str(it.get("default", "")) for name, it in ACTION["inputs"].items()}
    assert set(given) <= set(inputs), given
    inputs |= given
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        workspace = folder / "work space"
        shutil.copytree(tree, workspace, symlinks=True)
        (folder / "temp/backlog-audit/bin").mkdir(parents=True)
        shutil.copy(program, folder / "temp/backlog-audit/bin/backlog-audit")
        files = {name: folder / name for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
        env = {"PATH": os.environ["PATH"], "RUNNER_TEMP": str(folder / "temp")}
        env |= {name: str(path) for name, path in files.items()}
        for step in ACTION["runs"]["steps"]:
            assert "${{" not in step["run"], "an expression in a script is code that others write"
            if step["id"] == "build":
                continue
            own = {name: expanded(value, inputs) for name, value in step["env"].items()}
            shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
            done = subprocess.run(shell, cwd=workspace, env=env | own, text=True, capture_output=True)
        texts = [path.read_text() if path.exists() else "" for path in files.values()]
        sarif = {path.name for path in workspace.rglob("*.sarif")}
        return done.returncode, done.stdout + done.stderr, *texts, sarif


def main(program):
    tree = ROOT / "examples/host"
    code, log, summary, output, sarif = run(program, tree)
    assert code == 1, log
    assert log.count("::warning file=") == 9 and "%0A" in log, log
    assert summary.startswith("### backlog-audit: 9 warnings"), summary
    assert output == "sarif=backlog-audit.sarif\n" and sarif == {"backlog-audit.sarif"}, (output, sarif)

    code, log, *_ = run(program, tree, **{"fail-on": "error"})
    assert code == 0, log
    # Inputs are words, never code, and never options where a path is meant.
    for hostile in ("$(touch x.sarif)", "`touch x.sarif`", "; touch x.sarif", "--set=net.core.somaxconn=1"):
        code, log, _, _, sarif = run(program, tree, paths=hostile)
        assert code == 2 and "there is no file or folder" in log and "x.sarif" not in sarif, (hostile, log, sarif)
    code, log, *_ = run(program, tree, paths="etc\n\n", options="--set=net.core.somaxconn=70000\n--select=queue-clamped")
    assert code == 0, log
    print("the action runs")


main(sys.argv[1])
