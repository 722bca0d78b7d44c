"""Start the case's unit with PyPI's granian, in /opt/venv."""
import pypi
import unit

PACKAGES = ["granian==2.8.7"]


def install():
    pypi.install(*PACKAGES)


def truth(case, root):
    unit.lay(root, *PACKAGES)
    return {"server": " ".join(PACKAGES).replace("==", " "), **unit.start(root)}
