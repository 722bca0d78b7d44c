#!/usr/bin/env python3
"""Presses the tab key in real shells. Usage: tests/around/shells.py PROGRAM"""

import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import tempfile
import time

# What is typed, and what has to stand on the screen afterwards.
TYPED = [
    ("backlog-audit exp", "explain"),
    ("backlog-audit explain queue-cl", "queue-clamped"),
    ("backlog-audit explain ngi", "nginx"),
    ("backlog-audit man exp", "explain"),
    ("backlog-audit schema conf", "config"),
    ("backlog-audit --format checks", "checkstyle"),
    ("backlog-audit --fail-on nev", "never"),
    ("backlog-audit --select sysctl-oc", "sysctl-octal"),
    ("backlog-audit live --serve-n", "--serve-name"),
    ("backlog-audit --unsafe", "--unsafe-fixes"),
    ("backlog-audit deplo", "deploy"),
]
SHELLS = {
    "bash": (["bash", "--noprofile", "--norc", "-i"], "source {script}", "bash"),
    "zsh": (["zsh", "-f", "-i"], "fpath=({folder} $fpath); autoload -U compinit; compinit -u -d {folder}/dump", "_backlog-audit"),
    # It says itself what it would offer.
    "fish": (["fish", "--no-config"], "source {script}; complete --do-complete {line}", "fish"),
}


def asked(command, question, environment, folder):
    """What a shell says that it would offer."""
    said = subprocess.run([*command, "-c", question], env=environment, cwd=folder, text=True, capture_output=True)
    return said.stdout + said.stderr


def pressed(command, prepare, line, folder, environment):
    """The screen of a shell after a line and a tab."""
    process, master = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execvpe(command[0], command, environment)
    said = b""

    def listen(seconds):
        nonlocal said
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    piece = os.read(master, 65536)
                except OSError:
                    return
                said += piece

    try:
        listen(0.7)
        os.write(master, (prepare + "\n").encode())
        listen(3)
        said = b""
        os.write(master, line.encode() + b"\t")
        listen(1.5)
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\x1b\][^\x07]*\x07", "", said.decode(errors="replace"))
    finally:
        os.kill(process, 9)
        os.close(master)
        os.waitpid(process, 0)


def main(program):
    program = pathlib.Path(program).resolve()
    faults = []
    for shell, (command, prepare, name) in SHELLS.items():
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "deploy").mkdir()
            (folder / "bin").mkdir()
            (folder / "bin/backlog-audit").symlink_to(program)
            script = subprocess.run([program, "completions", shell], check=True, capture_output=True).stdout
            (folder / name).write_bytes(script)
            environment = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder), "TERM": "xterm", "PS1": "$ "}
            for line, wanted in TYPED:
                how = prepare.format(script=folder / name, folder=folder, line=f"'{line}'")
                way = asked(command, how, environment, folder) if shell == "fish" else None
                screen = way if way is not None else pressed(command, how, line, folder, environment)
                if wanted not in screen:
                    faults.append(f"{shell}: {line}<tab> shows no {wanted}: {screen!r}")
    print("\n".join(faults) or f"{len(TYPED)} lines are completed in {', '.join(SHELLS)}")
    sys.exit(bool(faults))


main(sys.argv[1])
