"""Start the case's Puma as an operator would: by the unit in etc/systemd/system, or `puma` in /srv/app.

The application is /srv/app/config.ru; it is put there if the case has none, and so is a certificate
for cases that name one. Puma is Debian's.
"""
import os
import shlex
import subprocess

from capture import empty, run, settled

APP = "run lambda { |env| [200, {}, [''] ] }\n"
UNIT = "etc/systemd/system/app.service"


def started(root, program):
    """The command line, the folder and the environment that the case's unit gives; else the program alone."""
    words, folder, environment = [program], "/srv/app", {}
    path = os.path.join(root, UNIT)
    if os.path.exists(path):
        with open(path) as file:
            for line in file:
                key, _, value = line.strip().partition("=")
                if key == "ExecStart":
                    words = shlex.split(value)
                elif key == "WorkingDirectory":
                    folder = value
                elif key == "Environment":
                    environment.update(pair.split("=", 1) for pair in shlex.split(value))
    return words, folder, environment


def truth_of(root, program):
    words, folder, environment = started(root, program)
    app = os.path.join(root, "srv", "app")
    os.makedirs(app, exist_ok=True)
    if not os.path.exists(os.path.join(app, "config.ru")):
        with open(os.path.join(app, "config.ru"), "w") as file:
            file.write(APP)
    if os.path.exists(os.path.join(app, "needs-a-certificate")):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
                        "-keyout", os.path.join(app, "key.pem"), "-out", os.path.join(app, "cert.pem")],
                       check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["mount", "--rbind", os.path.join(root, "srv"), "/srv"], check=True)
    empty("/tmp")
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", **environment}
    with open("/tmp/said", "w+") as said:
        process = subprocess.Popen(words, cwd=folder, stdout=said, stderr=said, stdin=subprocess.DEVNULL,
                                   env=environment)
        found = settled(process)
        said.seek(0)
        lines = said.read().splitlines()
    refused = None
    if process.poll():
        refused = next((line for line in lines if "Error" in line or "Errno" in line), "\n".join(lines[-3:]))
        refused = refused.split(" for #<")[0]  # an object and its address
    return {"server": run("/usr/bin/" + program, "--version").stdout.strip().splitlines()[-1],
            "listeners": [] if refused else found, "refused": refused}


def truth(case, root):
    return truth_of(root, "puma")
