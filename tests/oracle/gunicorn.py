"""Start the case's unit: with Debian's gunicorn, or with PyPI's where it starts one of /opt/venv."""
import os

import pypi
import start_unit
from capture import bind, run

PACKAGES = ["gunicorn==27.0.1", "aiohttp==3.14.5"]


def install():
    pypi.install(*PACKAGES)


def truth(case, root):
    start_unit.lay(root, *PACKAGES)
    if os.path.isdir(os.path.join(root, "etc/gunicorn")):
        bind(root, "etc/gunicorn")
    words, _, _ = start_unit.read(root)
    of_pypi = words[0].startswith("/opt/venv/")
    of_debian = run("dpkg-query", "-W", "gunicorn").stdout.strip().replace("\t", " ")
    # It tries five times, a second apart, to bind what is in use.
    settle = 7 if case.startswith("address-") else 1
    return {"server": PACKAGES[0].replace("==", " ") if of_pypi else of_debian, **start_unit.start(root, settle)}
