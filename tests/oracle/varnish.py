"""Start the case's Varnish as its unit says: the words of ExecStart= in varnish.service, the one of /etc before the packaged
one, with its drop-ins and what they take from Environment= and EnvironmentFile=. A secret is made where the case has none.
"""
import glob
import os
import re
import shlex
import subprocess
import tempfile

from capture import bind, empty, listeners, run, settled

FOLDERS = ["etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"]


def truth(case, root):
    bind(root, "etc/varnish")
    if not os.path.exists("/etc/varnish/secret"):
        with open("/etc/varnish/secret", "w") as secret:
            secret.write("not one\n")
    empty("/var/lib/varnish")
    run("chown", "varnish:varnish", "/var/lib/varnish")
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        varnish = subprocess.Popen(command(root), cwd="/", stdin=subprocess.DEVNULL,
                                   stdout=said, stderr=said)
        # The child listens when the VCL has been compiled.
        settled(varnish, quiet=3, limit=12)
        said.seek(0)
        text = said.read()
        refused = reason(text) if varnish.poll() or re.search("^Error:", text, re.M) else None
    return {"server": run("dpkg-query", "-W", "varnish").stdout.strip().replace("\t", " "),
            "listeners": [] if refused else listeners(), "refused": refused}


def command(root):
    """As systemd reads it: a line may be continued, an empty ExecStart= forgets those before."""
    started, environment = [], {}
    for path in units(root):
        with open(path) as file:
            text = file.read().replace("\\\n", " ")
        for key, value in re.findall(r"^(ExecStart|Environment|EnvironmentFile)=(.*)", text, re.M):
            if key == "ExecStart":
                started = shlex.split(value)
            elif key == "Environment":
                environment.update(word.split("=", 1) for word in shlex.split(value))
            else:
                with open(os.path.join(root, value.lstrip("-/"))) as file:
                    lines = file.read().replace("\\\n", " ")
                environment.update(re.findall(r'^([A-Z_]+)="?(.*?)"?$', lines, re.M))
    return [part for word in started for part in expanded(word, environment)]


def units(root):
    for folder in FOLDERS:
        unit = os.path.join(root, folder, "varnish.service")
        if os.path.exists(unit):
            drop_ins = (glob.glob(os.path.join(root, it, "varnish.service.d/*.conf")) for it in FOLDERS)
            return [unit, *sorted(sum(drop_ins, []), key=os.path.basename)]
    return []


def expanded(word, environment):
    """`$NAME` as a word of its own is as many words as it says, `${NAME}` stays one."""
    if re.fullmatch(r"\$[A-Z_]+", word):
        return shlex.split(environment.get(word[1:], ""))
    return [re.sub(r"\$\{([A-Z_]+)\}", lambda name: environment.get(name.group(1), ""), word)]


def reason(said):
    """The first complaint, which may go on below."""
    found = re.search(r"^Error:\s*(.*(?:\n(?!Debug|Usage).+)?)", said, re.M)
    text = found.group(1) if found else said
    text = re.sub(r"Child \(\d+\)", "Child", text)
    return " ".join(text.split()) or "ended without a word"
