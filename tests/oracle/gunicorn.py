"""Start the case's unit: with Debian's gunicorn, or with PyPI's where it starts one of /opt/venv."""
import start_unit
from cache import Pypi
from machine import bind_present, package

PACKAGES = "gunicorn"
ENVIRONMENT = Pypi("gunicorn==27.0.1", "aiohttp==3.14.5")
install = ENVIRONMENT.install


def truth(case, root):
    start_unit.lay(root, ENVIRONMENT)
    bind_present(root, "etc/gunicorn")
    of_pypi = start_unit.unit(root).words[0].startswith("/opt/venv/")
    # It tries five times, a second apart, to bind what is in use.
    settle = 7 if case.startswith("address-") else 1
    return start_unit.run_unit(root, str(ENVIRONMENT) if of_pypi else package("gunicorn"), settle)
