"""Start the case's unit with PyPI's hypercorn, in /opt/venv."""
import pypi
import unit

PACKAGES = ["hypercorn==0.18.0"]


def install():
    pypi.install(*PACKAGES)


def truth(case, root):
    unit.lay(root, *PACKAGES)
    return {"server": " ".join(PACKAGES).replace("==", " "), **unit.start(root)}
