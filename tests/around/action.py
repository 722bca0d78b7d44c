#!/usr/bin/env python3
"""Runs the steps of action.yml as GitHub's runner would, all but the compiling. Usage: tests/around/action.py PROGRAM"""

import contextlib
import functools
import hashlib
import http.server
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
VERSION = re.search(r'^version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.M)[1]
NAME = f"backlog-audit-{VERSION}-{platform.machine()}-unknown-linux-musl"


class Job:
    """A job of one step, ours, in a folder of its own."""

    def __init__(self, folder, program, given):
        self.program, self.folder = program, folder
        self.inputs = {name: str(it.get("default", "")) for name, it in ACTION["inputs"].items()}
        assert set(given) <= set(self.inputs), given
        self.inputs |= given
        self.workspace, self.temp = folder / "work space", folder / "temp"
        self.temp.mkdir()
        self.outputs, self.ran, self.log = {}, [], ""

    def value(self, name):
        """What an expression of the action stands for; there are a few kinds."""
        name = name.strip()
        if name.startswith("steps."):
            _, step, _, output = name.split(".")
            return self.outputs.get(step, {}).get(output, "")
        if name.startswith("inputs."):
            return self.inputs[name.removeprefix("inputs.")]
        known = {"github.action_path": str(ROOT), "runner.temp": str(self.temp), "runner.os": "Linux", "runner.arch": "X64"}
        return known[name]

    def expanded(self, text):
        return re.sub(r"\$\{\{(.*?)\}\}", lambda match: self.value(match[1]), text)

    def is_run(self, step):
        """Conditions are comparisons with a word, joined by &&."""
        for part in step["if"].split("&&") if "if" in step else []:
            left, is_not, right = re.fullmatch(r"\s*(\S+) (!?)== '(\w*)'\s*", part.replace("!=", "!==")).groups()
            if (self.value(left) == right) == bool(is_not):
                return False
        return True

    def step(self, step):
        if not self.is_run(step):
            return 0
        self.ran.append(step["id"])
        if "uses" in step:
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"]), step["uses"]
            self.key = self.expanded(step["with"]["key"])
            assert self.expanded(step["with"]["path"]) == str(self.temp / "backlog-audit")
            return 0
        assert "${{" not in step["run"], "an expression in a script is code that others write"
        if step["id"] == "compile":
            (self.temp / "backlog-audit/bin").mkdir(parents=True)
            (self.temp / "backlog-audit/bin/backlog-audit").symlink_to(os.path.abspath(self.program))
            return 0
        files = {name: self.folder / f"{name}-{step['id']}" for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
        env = {"PATH": os.environ["PATH"], "RUNNER_TEMP": str(self.temp), "no_proxy": "127.0.0.1"}
        env |= {name: str(path) for name, path in files.items()}
        env |= {name: self.expanded(value) for name, value in step["env"].items()}
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(shell, cwd=self.workspace, env=env, text=True, capture_output=True)
        self.log += done.stdout + done.stderr
        texts = {name: path.read_text() if path.exists() else "" for name, path in files.items()}
        self.summary = texts["GITHUB_STEP_SUMMARY"]
        self.outputs[step["id"]] = dict(line.split("=", 1) for line in texts["GITHUB_OUTPUT"].splitlines())
        return done.returncode

    def run(self):
        for step in ACTION["runs"]["steps"]:
            code = self.step(step)
            if code:
                break
        self.sarif = {path.name for path in self.workspace.rglob("*.sarif")}
        return code


def run(program, tree, **given):
    """The exit code and the job."""
    with tempfile.TemporaryDirectory() as folder:
        job = Job(pathlib.Path(folder), program, given)
        shutil.copytree(tree, job.workspace, symlinks=True)
        return job.run(), job


@contextlib.contextmanager
def served(folder):
    """The address of a server for the files of a folder."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def audits(program, tree):
    """What is said of a tree, with the program compiled: Cargo.toml names no place for releases, or has none of this version."""
    code, job = run(program, tree)
    assert code == 1, job.log
    assert job.ran == ["released", "compiled", "compile", "audit"], job.ran
    assert re.fullmatch(r"backlog-audit-Linux-X64-[0-9a-f]{40}", job.key), job.key
    assert job.log.count("::warning file=") == 9 and "%0A" in job.log, job.log
    assert job.summary.startswith("### backlog-audit: 9 warnings"), job.summary
    assert job.outputs["audit"] == {"sarif": "backlog-audit.sarif"} and job.sarif == {"backlog-audit.sarif"}, job.sarif

    code, job = run(program, tree, **{"fail-on": "error"})
    assert code == 0, job.log
    # Inputs are words, never code, and never options where a path is meant.
    for hostile in ("$(touch x.sarif)", "`touch x.sarif`", "; touch x.sarif", "--set=net.core.somaxconn=1"):
        code, job = run(program, tree, paths=hostile)
        assert code == 2 and "there is no file or folder" in job.log and "x.sarif" not in job.sarif, (hostile, job.log)
    code, job = run(program, tree, paths="etc\n\n", options="--set=net.core.somaxconn=70000\n--select=queue-clamped")
    assert code == 0, job.log


def takes_releases(program, tree):
    """A released program is taken where there is one, and only if it is what its checksum says."""
    with tempfile.TemporaryDirectory() as folder, served(folder) as address:
        tarball = pathlib.Path(folder, f"{NAME}.tar.gz")
        beside = pathlib.Path(folder, f"{NAME}.tar.gz.sha256")
        code, job = run(program, tree, releases=address)
        assert code == 1 and job.ran == ["released"] and "cannot be downloaded" in job.log, job.log

        with tarfile.open(tarball, "w:gz", compresslevel=1) as file:
            file.add(program, f"{NAME}/backlog-audit")
            file.add(ROOT / "README.md", f"{NAME}/README.md")
        sum_ = hashlib.sha256(tarball.read_bytes()).hexdigest()
        # No checksum, no program.
        code, job = run(program, tree, releases=address)
        assert code != 0 and job.ran == ["released"], job.log
        beside.write_text(f"{sum_}  {tarball.name}\n")
        for given in ({}, {"sha256": sum_}):
            code, job = run(program, tree, releases=address, **given)
            assert code == 1 and job.ran == ["released", "audit"], job.log
            assert job.summary.startswith("### backlog-audit: 9 warnings"), job.summary
        code, job = run(program, tree, releases=address, sha256="0" * 64)
        assert code == 1 and job.ran == ["released"] and "another SHA-256" in job.log, job.log
        beside.write_text(f"{'0' * 64}  {tarball.name}\n")
        code, job = run(program, tree, releases=address)
        assert code == 1 and job.ran == ["released"] and "another SHA-256" in job.log, job.log
    # Nobody listens there now.
    code, job = run(program, tree, releases=address)
    assert code == 1 and job.ran == ["released"] and "cannot be downloaded" in job.log, job.log


takes_releases(sys.argv[1], ROOT / "examples/host")
audits(sys.argv[1], ROOT / "examples/host")
print("the action runs")
