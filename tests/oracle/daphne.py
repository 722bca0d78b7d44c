"""Start the case's unit with PyPI's daphne, in /opt/venv."""
import pypi
import start_unit

PACKAGES = ["daphne==4.2.3"]


def install():
    pypi.install(*PACKAGES)


def truth(case, root):
    start_unit.lay(root, *PACKAGES)
    return {"server": " ".join(PACKAGES).replace("==", " "), **start_unit.start(root)}
