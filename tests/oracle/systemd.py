"""Boot the case's socket units with the real systemd and record what it opens for them.

Every unit of the case and every instance that something wants is started; what no file of the case sets is this machine's.
"""
import started

JOBS = started.JOBS
prepare = started.prepare


def truth(case, root):
    found = started.truth(case, root)
    return {"listeners": found["listeners"], "refused": " ".join(found["failed"]) or None, "server": found["server"][-1]}
