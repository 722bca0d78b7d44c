"""Start the case's unit with PyPI's waitress, in /opt/venv."""
import pypi
import unit

PACKAGES = ["waitress==3.0.2"]


def install():
    pypi.install(*PACKAGES)


def truth(case, root):
    unit.lay(root, *PACKAGES)
    return {"server": " ".join(PACKAGES).replace("==", " "), **unit.start(root)}
