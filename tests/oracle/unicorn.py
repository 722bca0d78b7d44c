"""Start the case's Unicorn as an operator would: by the unit in etc/systemd/system, or `unicorn` in /srv/app.

What is needed for it is what Puma needs. Unicorn is Debian's.
"""
from puma import truth_of

PACKAGES = "unicorn"


def truth(case, root):
    return truth_of(root, "unicorn")
