"""Start the case's uWSGIs: as Debian's init script does, one for each file in /etc/uwsgi/apps-enabled
after its default.ini, or as the line in the case's /srv/start says, from /srv.

The plugins lie where Debian puts them. Sockets belong in /run. A server that gives up is the
case's refusal.
"""
import glob
import os
import re
import shlex
import tempfile

from machine import PATH, bind, bind_present, empty, ended, listeners, package, read, run, settled, spawn

PACKAGES = "uwsgi uwsgi-core uwsgi-plugin-python3"
FOLDERS = ["etc/uwsgi", "opt"]
TYPES = {"ini": "ini", "json": "json", "js": "json", "xml": "xmlconfig", "yaml": "yaml", "yml": "yaml"}
DEFAULT = "/usr/share/uwsgi/conf/default.ini"
# What uWSGI says when it gives up, the most telling first.
REFUSALS = [r"Listen queue size is greater.*", r"\[uWSGI\] could not parse.*", r"invalid value for option.*",
            r"(?:probably another instance|error binding|bind\(\): ).*", r"recursive logic.*", r"invalid .*",
            r"open\(\"?.*No such file.*", r"unable to load configuration.*", r".*No such file or directory.*",
            r"error parsing.*", r"The -s/--socket option is missing.*"]


def starts(root):
    """The command lines, each with the variables that it is given."""
    own = os.path.join(root, "srv/start")
    if os.path.exists(own):
        for line in read(own).splitlines():
            words = shlex.split(line)
            first = next(i for i, word in enumerate(words) if "=" not in word)
            yield words[first:], dict(word.split("=", 1) for word in words[:first])
        return
    for path in sorted(glob.glob("/etc/uwsgi/apps-enabled/*")):
        name, extension = os.path.splitext(os.path.basename(path))
        if extension[1:] in TYPES:
            os.makedirs("/run/uwsgi/app/" + name)
            run("chown", "www-data:www-data", "/run/uwsgi/app/" + name)
            yield (["uwsgi", "--ini", DEFAULT, "--" + TYPES[extension[1:]], path],
                   {"UWSGI_DEB_CONFNAMESPACE": "app", "UWSGI_DEB_CONFNAME": name})


def truth(case, root):
    # Where they are started from, whether the case has it or not.
    bind(root, "srv")
    bind_present(root, *FOLDERS)
    empty("/var/log")
    refused, started = None, []
    for words, variables in starts(root):
        said = tempfile.TemporaryFile("w+", errors="replace")
        started.append((spawn(words, said, cwd="/srv", env={"PATH": PATH, **variables}), said))
    settled(started[0][0], quiet=1, limit=6)
    for uwsgi, said in started:
        said.seek(0)
        text = said.read()
        if ended(uwsgi) or REFUSALS_OF_ONE.search(text):
            refused = refused or reason(text)
    return {"server": package("uwsgi-core"), "listeners": listeners(), "refused": refused}


# A vassal that gives up leaves its emperor running.
REFUSALS_OF_ONE = re.compile(REFUSALS[0])


def reason(text):
    for refusal in REFUSALS:
        found = re.search(refusal, text, re.M)
        if found:
            return found.group(0)
    return text.strip().splitlines()[-1]
