#!/usr/bin/env python3
"""Holds what we give to pipelines, and the recipes of docs/ci.md, against the schemas of those who read them.
Usage: tests/around/recipes.py, with check-jsonschema, pre-commit and zizmor on PATH"""

import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What each file is held against, by its name.
CHECKS = {
    "action.yml": ["check-jsonschema", "--builtin-schema", "vendor.github-actions"],
    ".github/workflows/": ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"],
    "gitlab-ci.yml": ["check-jsonschema", "--builtin-schema", "vendor.gitlab-ci"],
    ".pre-commit-config.yaml": ["pre-commit", "validate-config"],
    ".pre-commit-hooks.yaml": ["pre-commit", "validate-manifest"],
}


# What looks for holes in what GitHub runs: nothing is so small that we would leave it.
ZIZMOR = ["zizmor", "--offline", "--quiet", "--no-progress", "--persona=auditor"]


def check(name, path):
    [command] = [command for part, command in CHECKS.items() if part in name]
    subprocess.run([*command, path], check=True, stdout=subprocess.DEVNULL)
    if name == "action.yml" or ".github/" in name:
        subprocess.run([*ZIZMOR, path], check=True)
    print(f"{name} is valid")


for name in ("action.yml", ".github/workflows/release.yml", "templates/backlog-audit.gitlab-ci.yml", ".pre-commit-hooks.yaml"):
    check(name, ROOT / name)
recipes = re.findall(r"^```yaml\n(# (\S+)\n.*?)^```$", (ROOT / "docs/ci.md").read_text(), re.M | re.S)
assert len(recipes) == 4, len(recipes)
for recipe, name in recipes:
    # Tools know a file by its place.
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(recipe)
        check(name, path)
