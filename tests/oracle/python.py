"""Start the case's Python program as an operator would: by the unit in etc/systemd/system, or `python3` on the main file.

The program lies in /srv/app; its main file is `main.py`. A unit is one of WorkingDirectory=/srv/app. The libraries come from
python-requirements.txt beside this file, once, into a cache outside the repository.
"""
import os

import start_unit
from cache import Pypi
from machine import bind, empty, read, record, run, start

HERE = os.path.dirname(os.path.abspath(__file__))
ENVIRONMENT = Pypi(*read(os.path.join(HERE, "python-requirements.txt")).split())
install = ENVIRONMENT.install


def truth(case, root):
    unit = start_unit.unit(root, "app")
    # The program of a unit is that of the libraries' environment.
    program, *words = unit.words or ["python", "main.py"]
    bind(root, "srv")
    empty("/tmp")
    process, found, said = start([ENVIRONMENT.program(os.path.basename(program)), *words], cwd="/srv/app",
                                 env={"PATH": os.environ["PATH"], "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1",
                                      **unit.environment})
    refused = None
    if process.poll():
        lines = said.splitlines()
        refused = next((line for line in reversed(lines) if "Error" in line), "\n".join(lines[-3:]))
    return record(run(ENVIRONMENT.program("python"), "--version").stdout.strip(), found, refused)
