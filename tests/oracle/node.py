"""Start the case's Node program as an operator would: by the unit in etc/systemd/system, or `node` on the main file.

The program lies in /srv/app; its main file is what package.json calls so, else `server.*`. A unit is one of
WorkingDirectory=/srv/app. The frameworks come from the case's package-lock.json, else from the one beside this file, once, into
a cache outside the repository.
"""
import glob
import json
import os
import shutil
import subprocess

import cache
import start_unit
from machine import bind, empty, mount, record, run, start

BUN = "/srv/node_modules/@oven/bun-linux-x64/bin"
HERE = os.path.dirname(os.path.abspath(__file__))


CASES = os.path.join(os.path.dirname(HERE), "cases", "services", "node")


def folder(app):
    """Where the lock file is that counts for a program."""
    return app if os.path.exists(os.path.join(app, "package-lock.json")) else HERE


def modules(app):
    """Where the frameworks of this very lock file are, or will be."""
    with open(os.path.join(folder(app), "package-lock.json"), "rb") as lock:
        return cache.folder("npm", lock.read())


def install():
    for app in [HERE, *glob.glob(os.path.join(glob.escape(CASES), "*", "root", "srv", "app"))]:
        cache.once(modules(app), lambda place, app=app: make(folder(app), place))


def make(source, place):
    os.makedirs(place)
    for file in ("package.json", "package-lock.json"):
        shutil.copy(os.path.join(source, file), place)
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
    mount("--bind", os.path.join(modules(app), "node_modules"), laid)
    bind(root, "srv")
    empty("/tmp")
    typescript = ["--import", "tsx"] if main.endswith("ts") else []
    process, found, said = start(unit.words or ["node", *typescript, main], cwd="/srv/app",
                                 env={"PATH": BUN + ":" + os.environ["PATH"], "HOME": "/tmp", **unit.environment})
    refused = None
    if process.poll():
        lines = said.splitlines()
        refused = next((line for line in lines if "Error" in line), "\n".join(lines))
    if "bun" in unit.words:
        return record("bun " + run(os.path.join(BUN, "bun"), "--version").stdout.strip(), found, refused)
    return record("node " + run("node", "--version").stdout.strip(), found, refused)
