"""Start the case's unit with PyPI's granian, in /opt/venv."""
import pypi
import start_unit

PACKAGES = ["granian==2.8.7"]


def install():
    pypi.install(*PACKAGES)


def truth(case, root):
    start_unit.lay(root, *PACKAGES)
    return {"server": " ".join(PACKAGES).replace("==", " "), **start_unit.start(root)}
