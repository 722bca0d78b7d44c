"""Start the case's Node program as an operator would: `node` on the application's main file.

The program lies in /srv/app; its main file is what package.json calls so, else `server.*`. The
frameworks come from package-lock.json beside this file, once, into a cache outside the repository.
"""
import fcntl
import glob
import hashlib
import json
import os
import shutil
import subprocess

from capture import bind, empty, run, settled

HERE = os.path.dirname(os.path.abspath(__file__))


def modules():
    """Where the frameworks of this very lock file are, or will be."""
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    with open(os.path.join(HERE, "package-lock.json"), "rb") as lock:
        name = hashlib.sha256(lock.read()).hexdigest()[:16]
    return os.path.join(caches, "backlog-audit", "node-" + name)


def install():
    folder = modules()
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(folder):
            return
        fresh = folder + ".new"
        shutil.rmtree(fresh, ignore_errors=True)
        os.makedirs(fresh)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(HERE, file), fresh)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
                       cwd=fresh, check=True, stdout=subprocess.DEVNULL)
        os.rename(fresh, folder)


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
    main = main_file(app)
    laid = os.path.join(root, "srv", "node_modules")
    os.makedirs(laid)
    subprocess.run(["mount", "--bind", os.path.join(modules(), "node_modules"), laid], check=True)
    subprocess.run(["mount", "--rbind", os.path.join(root, "srv"), "/srv"], check=True)
    empty("/tmp")
    typescript = ["--import", "tsx"] if main.endswith("ts") else []
    with open("/tmp/said", "w+") as said:
        process = subprocess.Popen(["node", *typescript, main], cwd="/srv/app", stdout=said, stderr=said,
                                   stdin=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], "HOME": "/tmp"})
        found = settled(process)
        said.seek(0)
        lines = said.read().splitlines()
    refused = None
    if process.poll():
        refused = next((line for line in lines if "Error" in line), "\n".join(lines))
    return {"server": "node " + run("node", "--version").stdout.strip(),
            "listeners": [] if refused else found, "refused": refused}
