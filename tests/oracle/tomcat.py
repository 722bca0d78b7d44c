"""Start the case's Tomcat as Debian's unit does: as the user tomcat, from /var/lib/tomcat10 with its
conf in /etc/tomcat10; a case that has /opt/tomcat starts that one as its own CATALINA_BASE."""
import os
import re
import time

from machine import PATH, SILENT, bind, bind_present, empty, ended, listeners, package, read, run, settled, spawn

PACKAGES = "tomcat10"
AS_UNIT = ["setpriv", "--reuid=tomcat", "--regid=tomcat", "--clear-groups",
           "--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"]
# Half the start-up time of a JVM that compiles nothing twice. What Tomcat reads is not touched.
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto -XX:-UsePerfData"
# Tomcat stays up without the Connector that it refuses.
TAKEN = "java.net.BindException: Address already in use"
UP = re.compile(r"Server startup in \[")
COMPLAINT = re.compile(r"^(?:WARNING|SEVERE): (.*)", re.M)
CAUSE = re.compile(r"^(?:java|org)\.[\w.$]*(?:Exception|Error)[:;].*", re.M)


def lay(root):
    """Put the case's files where its Tomcat looks for them; the answer is the CATALINA_BASE."""
    bind_present(root, "etc/default/tomcat10")
    if os.path.isdir(os.path.join(root, "opt/tomcat")):
        bind(root, "opt/tomcat")
        base = "/opt/tomcat"
        folders = [os.path.join(base, name) for name in ("webapps", "logs", "work", "temp")]
    else:
        bind(root, "etc/tomcat10")
        base = "/var/lib/tomcat10"
        folders = [base + "/webapps", "/var/log/tomcat10", "/var/cache/tomcat10"]
    empty(*folders)
    run("chown", "tomcat:tomcat", "/run", *folders)
    return base


def start(base):
    """Tomcat's process and what it wrote until it was up for good, gave up or had a minute."""
    environment = {"PATH": PATH, "CATALINA_HOME": "/usr/share/tomcat10",
                   "CATALINA_BASE": base, "CATALINA_TMPDIR": "/tmp", "CATALINA_OPTS": QUICK}
    log = "/run/tomcat.log"
    with open(log, "w") as said:
        tomcat = spawn([*AS_UNIT, "/bin/sh", "/usr/libexec/tomcat10/tomcat-start.sh"], said, env=environment)
    text, end = "", time.time() + 60
    while tomcat.poll() is None and not UP.search(text):
        if time.time() > end:
            raise RuntimeError("Tomcat is neither up nor gone after a minute:\n" + text)
        time.sleep(0.1)
        text = read(log)
    # The shutdown port is opened after that line, and Tomcat ends where it cannot be opened.
    settled(tomcat, quiet=0.7, limit=3)
    return tomcat, read(log)


def truth(case, root):
    tomcat, text = start(lay(root))
    gone, said = ended(tomcat), COMPLAINT.findall(text)
    refused = TAKEN if TAKEN in text else None
    if gone:
        refused = (CAUSE.findall(text) + said + [SILENT])[0]
    return {"server": package("tomcat10"), "listeners": [] if gone else listeners(), "refused": refused, "said": said}
