"""Start the case's unit with PyPI's uvicorn, in /opt/venv."""
import pypi
import start_unit

PACKAGES = ["uvicorn==0.54.0"]


def install():
    pypi.install(*PACKAGES)


def truth(case, root):
    start_unit.lay(root, *PACKAGES)
    return {"server": " ".join(PACKAGES).replace("==", " "), **start_unit.start(root)}
