"""Start the case's unit: with Debian's gunicorn, or with PyPI's where it starts one of /opt/venv."""
import start_unit
from cache import Pypi
from machine import bind_present, package

PACKAGES = "gunicorn"
# Releases at which something changed; a case is of the one that its requirements name.
OLDER = ["gunicorn==23.0.0", "gunicorn==24.0.0", "gunicorn==25.1.0", "gunicorn==25.2.0"]
# What uvicorn 0.11.1 asks for beside these is not built for this Python.
OLD = ["gunicorn==20.1.0", "uvicorn==0.11.1", "h11==0.9.0", "click==7.1.2", "setuptools==69.5.1"]
ENVIRONMENTS = [Pypi("gunicorn==27.0.1", "aiohttp==3.14.5", "uvicorn==0.38.0"), *map(Pypi, OLDER), Pypi(*OLD, options=["--no-deps"])]


def install():
    for one in ENVIRONMENTS:
        one.install()


def truth(case, root):
    environment = start_unit.fixed(root, ENVIRONMENTS)
    start_unit.lay(root, environment)
    bind_present(root, "etc/gunicorn")
    of_pypi = start_unit.unit(root).words[0].startswith("/opt/venv/")
    # It tries five times, a second apart, to bind what is in use; a socket that is handed over is there before its worker.
    settle = 7 if case.startswith("address-") else 3 if "socket-unit" in case else 1
    return start_unit.run_unit(root, str(environment) if of_pypi else package("gunicorn"), settle)
