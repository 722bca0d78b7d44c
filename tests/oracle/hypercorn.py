"""Start the case's unit with PyPI's hypercorn, in /opt/venv."""
import pypi
import start_unit

PACKAGES = ["hypercorn==0.18.0"]


def install():
    pypi.install(*PACKAGES)


def truth(case, root):
    start_unit.lay(root, *PACKAGES)
    return {"server": " ".join(PACKAGES).replace("==", " "), **start_unit.start(root)}
