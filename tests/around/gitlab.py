#!/usr/bin/env python3
"""Runs the job of the GitLab template as a runner would. Usage: tests/around/gitlab.py, with backlog-audit on PATH"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEMPLATE = yaml.safe_load((ROOT / "templates/backlog-audit.gitlab-ci.yml").read_text())


def run(**variables):
    """The exit code, the log and the reports of the job on the example."""
    job = TEMPLATE["backlog-audit"]
    with tempfile.TemporaryDirectory() as folder:
        workspace = pathlib.Path(folder, "repository")
        shutil.copytree(ROOT / "examples/host", workspace, symlinks=True)
        env = {"PATH": os.environ["PATH"]} | TEMPLATE["variables"] | variables
        script = ["sh", "-ec", "\n".join(job["script"])]
        done = subprocess.run(script, cwd=workspace, env=env, text=True, capture_output=True)
        reports = [(workspace / name).read_text() for name in job["artifacts"]["reports"].values()]
    return done.returncode, done.stdout + done.stderr, *reports


code, log, quality, junit = run()
assert code == 1 and "queue-clamped" in log, log
assert {issue["severity"] for issue in json.loads(quality)} == {"major", "info"}, quality
assert xml.etree.ElementTree.fromstring(junit).attrib["failures"] == "9", junit
code, log, *_ = run(BACKLOG_AUDIT_OPTIONS="--set net.core.somaxconn=4096 --select queue-clamped")
assert code == 0, log
print("the GitLab job runs")
