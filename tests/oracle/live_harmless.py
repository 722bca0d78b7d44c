#!/usr/bin/env python3
"""See that `backlog-audit live` and `watch` only read, by the system calls that they make.

    live_harmless.py BIN

Under strace, in namespaces of its own, beside a listener: no file is opened for writing or changed, no socket but netlink's
is made, nothing is connected to, no process is signalled or traced. Needs strace. Standard library only.
"""
import os
import re
import socket
import subprocess
import sys
import tempfile

# What may be asked of the kernel is all the rest.
FORBIDDEN = ["accept", "accept4", "bind", "chmod", "connect", "fchmod", "fchmodat", "ftruncate", "kill", "link", "linkat",
             "listen", "mkdir", "mkdirat", "mount", "pidfd_getfd", "pidfd_send_signal", "process_vm_readv",
             "process_vm_writev", "ptrace", "rename", "renameat", "renameat2", "rmdir", "rt_sigqueueinfo", "sendmsg",
             "setsockopt", "symlink", "tgkill", "tkill", "truncate", "unlink", "unlinkat", "utimensat"]
# A timeout of our own netlink socket is no change of anybody's.
OWN = re.compile(r"setsockopt\(\d+, SOL_SOCKET, SO_RCVTIMEO(_OLD|_NEW)?,")
WRITING = re.compile(r"\bO_(WRONLY|RDWR|CREAT|TRUNC|APPEND)\b")


def calls(binary, *arguments):
    with tempfile.NamedTemporaryFile("r", errors="replace") as log:
        traced = "trace=socket,open,openat,openat2,creat,setns,%s" % ",".join(FORBIDDEN)
        done = subprocess.run(["strace", "-f", "-qq", "-e", traced, "-e", "signal=none", "-o", log.name, binary, *arguments],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        assert done.returncode in (0, 1), done.stderr.decode(errors="replace")
        return [line.split(None, 1)[1] for line in log.read().splitlines() if "resumed>" not in line]


def is_wrong(call):
    name = call.split("(", 1)[0]
    if name in FORBIDDEN:
        return not OWN.match(call)
    if name == "socket":
        return "AF_NETLINK" not in call
    return name == "creat" or bool(WRITING.search(call))


def inside(binary):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    listener = socket.create_server(("127.0.0.1", 8080), backlog=5)
    with tempfile.TemporaryDirectory() as root:
        os.mkdir(os.path.join(root, "etc"))
        for arguments in (["live", "--for", "1s", root], ["live", "--format", "prometheus", root],
                          ["watch", "--count", "2", root]):
            made = calls(binary, *arguments)
            assert any(call.startswith("socket(AF_NETLINK") for call in made), "strace shows nothing"
            wrong = [call for call in made if is_wrong(call)]
            assert not wrong, "%s\n%s" % (" ".join(arguments), "\n".join(wrong))
    listener.close()
    print("live and watch only read")


def main():
    binary = os.path.abspath(sys.argv[1])
    if sys.argv[2:] == ["--inside"]:
        return inside(binary)
    sys.exit(subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                             sys.executable, os.path.abspath(__file__), binary, "--inside"], timeout=300).returncode)


if __name__ == "__main__":
    main()
