"""Start the case's Varnish as its unit says: the words of ExecStart= in varnish.service, the one of /etc before the packaged
one, with its drop-ins and what they take from Environment= and EnvironmentFile=. A secret is made where the case has none.
"""
import os
import re

import start_unit
from machine import SILENT, bind, empty, package, record, run, start, write

PACKAGES = "varnish"


def truth(case, root):
    bind(root, "etc/varnish")
    if not os.path.exists("/etc/varnish/secret"):
        write("/etc/varnish/secret", "not one\n")
    empty("/var/lib/varnish")
    run("chown", "varnish:varnish", "/var/lib/varnish")
    # The child listens when the VCL has been compiled.
    process, found, said = start(start_unit.unit(root, "varnish").words, quiet=3, limit=12, cwd="/")
    refused = reason(said) if process.poll() or re.search("^Error:", said, re.M) else None
    return record(package("varnish"), found, refused)


def reason(said):
    """The first complaint, which may go on below."""
    found = re.search(r"^Error:\s*(.*(?:\n(?!Debug|Usage).+)?)", said, re.M)
    text = found.group(1) if found else said
    text = re.sub(r"Child \(\d+\)", "Child", text)
    return " ".join(text.split()) or SILENT
