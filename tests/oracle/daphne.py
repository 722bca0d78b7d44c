"""Start the case's unit with PyPI's daphne, in /opt/venv."""
import pypi
import unit

PACKAGES = ["daphne==4.2.3"]


def install():
    pypi.install(*PACKAGES)


def truth(case, root):
    unit.lay(root, *PACKAGES)
    return {"server": " ".join(PACKAGES).replace("==", " "), **unit.start(root)}
