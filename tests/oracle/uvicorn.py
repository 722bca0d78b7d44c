"""Start the case's unit with PyPI's uvicorn, in /opt/venv."""
import pypi
import unit

PACKAGES = ["uvicorn==0.54.0"]


def install():
    pypi.install(*PACKAGES)


def truth(case, root):
    unit.lay(root, *PACKAGES)
    return {"server": " ".join(PACKAGES).replace("==", " "), **unit.start(root)}
