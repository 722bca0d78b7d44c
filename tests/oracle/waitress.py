"""Start the case's unit with PyPI's waitress, in /opt/venv."""
import pypi
import start_unit

PACKAGES = ["waitress==3.0.2"]


def install():
    pypi.install(*PACKAGES)


def truth(case, root):
    start_unit.lay(root, *PACKAGES)
    return {"server": " ".join(PACKAGES).replace("==", " "), **start_unit.start(root)}
