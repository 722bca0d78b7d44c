"""Start the case's Jetty as Debian's unit does: jetty.sh with /usr/share/jetty9 as home and base, its files in /etc/jetty9; a case
that has /opt/jetty or /var/lib/jetty starts start.jar with that one as jetty.base.

What a case does not have in /etc/jetty9 is as the package has it.
"""
import os
import re
import shutil

from machine import SILENT, bind, bind_present, empty, ended, package, record, start

PACKAGES = "jetty9 libjetty9-java"
HOME = "/usr/share/jetty9"
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData"
COMPLAINT = re.compile(r"^(?:Caused by: )?(?:java|org)\.[\w.$]*(?:Exception|Error): .*|^ERROR *: .*", re.M)


def lay(root):
    """Lay the case over the package's configuration; the answer is its own base, if it has one."""
    base = next((base for base in ("opt/jetty", "var/lib/jetty") if os.path.isdir(os.path.join(root, base))), None)
    if base is not None:
        bind(root, base)
    whole = os.path.join(root, "etc", "jetty9")
    mine = whole + ".case"
    if os.path.isdir(whole):
        os.rename(whole, mine)
    shutil.copytree("/etc/jetty9", whole)
    if os.path.isdir(mine):
        shutil.copytree(mine, whole, dirs_exist_ok=True)
    bind(root, "etc/jetty9")
    bind_present(root, "etc/default/jetty9")
    empty("/tmp", "/var/log/jetty9", "/var/cache/jetty9")
    os.chmod("/tmp", 0o1777)
    return base


def command(base):
    if base is None:
        script = "set -a; . /etc/default/jetty9; set +a; exec %s/bin/jetty.sh run" % HOME
        return ["sh", "-c", script], {"JETTY_HOME": HOME + "/", "JETTY_STATE": "/tmp/jetty.state", "JETTY_RUN": "/tmp",
                                      "JAVA_OPTS": "-Djava.awt.headless=true", "JAVA_OPTIONS": QUICK}, HOME
    jar = ["java", *QUICK.split(), "-jar", HOME + "/start.jar", "jetty.home=" + HOME, "jetty.base=/" + base]
    return jar, {}, "/" + base


def truth(case, root):
    argv, environment, folder = command(lay(root))
    process, found, said = start(argv, quiet=1.0, limit=40, cwd=folder,
                                 env={"PATH": os.environ["PATH"], "HOME": "/tmp", **environment})
    refused = None
    if ended(process):
        refused = (COMPLAINT.findall(said) + said.splitlines()[-1:] + [SILENT])[0]
    return record(package("jetty9"), found, refused)
