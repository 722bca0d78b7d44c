"""Start the case's Puma as an operator would: by the unit in etc/systemd/system, or `puma` in /srv/app.

The application is /srv/app/config.ru; it is put there if the case has none, and so is a certificate
for cases that name one. Puma is Debian's.
"""
import os
import subprocess

import start_unit
from machine import bind, empty, record, run, start, write

PACKAGES = "puma"
APP = "run lambda { |env| [200, {}, [''] ] }\n"


def truth_of(root, program):
    unit = start_unit.unit(root, "app")
    app = os.path.join(root, "srv", "app")
    os.makedirs(app, exist_ok=True)
    if not os.path.exists(os.path.join(app, "config.ru")):
        write(os.path.join(app, "config.ru"), APP)
    if os.path.exists(os.path.join(app, "needs-a-certificate")):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
                        "-keyout", os.path.join(app, "key.pem"), "-out", os.path.join(app, "cert.pem")],
                       check=True, stderr=subprocess.DEVNULL)
    words, environment, given = start_unit.handed(root, unit.words or [program])
    bind(root, "srv")
    empty("/tmp")
    settle = {"quiet": 8} if given else {}
    process, found, said = start(words, cwd=unit.folder if unit.words else "/srv/app", pass_fds=given, **settle,
                                 env={"PATH": "/usr/bin:/bin", "HOME": "/tmp", **unit.environment, **environment})
    refused = None
    if process.poll():
        lines = said.splitlines()
        refused = next((line for line in lines if "Error" in line or "Errno" in line), "\n".join(lines[-3:]))
        refused = refused.split(" for #<")[0]  # an object and its address
    return record(run("/usr/bin/" + program, "--version").stdout.strip().splitlines()[-1], found, refused)


def truth(case, root):
    return truth_of(root, "puma")
