"""Start the case's Node program as an operator would: by the unit in etc/systemd/system, or `node` on the main file.

The program lies in /srv/app; its main file is what package.json calls so, else `server.*`. A unit is one of
WorkingDirectory=/srv/app. The
frameworks come from package-lock.json beside this file, once, into a cache outside the repository.
"""
import glob
import json
import os
import shutil
import subprocess

import cache
import start_unit
from machine import bind, empty, mount, record, run, start

HERE = os.path.dirname(os.path.abspath(__file__))


def modules():
    """Where the frameworks of this very lock file are, or will be."""
    with open(os.path.join(HERE, "package-lock.json"), "rb") as lock:
        return cache.folder("npm", lock.read())


def install():
    cache.once(modules(), make)


def make(place):
    os.makedirs(place)
    for file in ("package.json", "package-lock.json"):
        shutil.copy(os.path.join(HERE, file), place)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
                   cwd=place, check=True, stdout=subprocess.DEVNULL)


def main_file(app):
    package = os.path.join(app, "package.json")
    if os.path.exists(package):
        with open(package) as file:
            main = json.load(file).get("main")
        if main:
            return main
    return os.path.basename(glob.glob(os.path.join(glob.escape(app), "server.*"))[0])


def truth(case, root):
    app = os.path.join(root, "srv", "app")
    unit = start_unit.unit(root, "app")
    main = "" if unit.words else main_file(app)
    laid = os.path.join(root, "srv", "node_modules")
    os.makedirs(laid)
    mount("--bind", os.path.join(modules(), "node_modules"), laid)
    bind(root, "srv")
    empty("/tmp")
    typescript = ["--import", "tsx"] if main.endswith("ts") else []
    process, found, said = start(unit.words or ["node", *typescript, main], cwd="/srv/app",
                                 env={"PATH": os.environ["PATH"], "HOME": "/tmp", **unit.environment})
    refused = None
    if process.poll():
        lines = said.splitlines()
        refused = next((line for line in lines if "Error" in line), "\n".join(lines))
    return record("node " + run("node", "--version").stdout.strip(), found, refused)
