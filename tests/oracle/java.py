"""Compile the case's Java program and start its Main, with Debian's Netty and Jetty on the class path.

Its files lie below /srv/app. Needs openjdk-17-jdk-headless, libnetty-java and libjetty9-java.
"""
import glob
import os
import re

from machine import bind, empty, record, run, start

PACKAGES = "libnetty-java openjdk-17-jdk-headless"
JARS = ["netty-all", "netty-buffer", "netty-codec", "netty-codec-http", "netty-common", "netty-handler", "netty-resolver",
        "netty-transport", "netty-transport-native-epoll", "netty-transport-native-unix-common", "jetty9-server",
        "jetty9-util", "jetty9-http", "jetty9-io", "servlet-api"]
# What shortens the start of a virtual machine, and changes nothing else.
QUICK = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData"]


def sources(app):
    return sorted(glob.glob(os.path.join(glob.escape(app), "**", "*.java"), recursive=True))


def main_class(files):
    main = next(file for file in files if os.path.basename(file) == "Main.java")
    with open(main, encoding="utf-8") as text:
        package = re.search(r"^package ([\w.]+);", text.read(), re.M)
    return package.group(1) + ".Main" if package else "Main"


def truth(case, root):
    bind(root, "srv")
    empty("/tmp")
    files = sources("/srv/app")
    path = ":".join(["/tmp/classes", *("/usr/share/java/%s.jar" % jar for jar in JARS)])
    done = run("javac", "-nowarn", "-encoding", "UTF-8", "-d", "/tmp/classes", "-cp", path, *files)
    if done.returncode != 0:
        raise RuntimeError(done.stdout)
    argv = ["java", *QUICK, "-cp", path, main_class(files)]
    # TLS takes its time before its first socket.
    process, found, said = start(argv, quiet=3.0, limit=40, cwd="/srv/app",
                                 env={"PATH": os.environ["PATH"], "HOME": "/tmp"})
    refused = None
    if process.poll():
        lines = said.splitlines()
        refused = next((line for line in lines if "Exception" in line), "\n".join(lines))
    return record(run("java", "--version").stdout.splitlines()[0], found, refused)
