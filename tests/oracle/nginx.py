"""Start the case's nginx as Debian's unit does: `nginx` reads /etc/nginx/nginx.conf as root."""
from capture import bind, empty, listeners, run


def truth(case, root):
    bind(root, "etc/nginx")
    empty("/var/log/nginx")
    started = run("nginx")
    refused = None
    if started.returncode != 0:
        refused = next((l for l in started.stdout.splitlines() if "[emerg]" in l), started.stdout)
    return {"server": run("dpkg-query", "-W", "nginx").stdout.strip().replace("\t", " "),
            "listeners": [] if refused else listeners(), "refused": refused}
