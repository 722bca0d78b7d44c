#!/usr/bin/env python3
"""Drive the real screen of `backlog-audit watch` in a real tmux, and compare what it shows with what ss shows.

    watch.py BIN                 run all scenes
    watch.py --show WxH BIN      print the screen once it is busy, with its colours

In network and process namespaces of their own stand a queue that fills, one that overflows, an idle one and
sockets with hostile names; nothing leaves loopback, nothing outlives the run. Standard library only.
"""
import argparse
import ctypes
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE = 30
SOMAXCONN = 16
FILLING, OVERFLOWING, IDLE = 7001, 8443, 7003
HOSTILE = "\x1b[31mred\x07"


# ---------------------------------------------------------------- the machine that is watched


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def files(root):
    """What the files say of the overflowing listener: nginx asks for more than it gets."""
    write(root + "/etc/nginx/nginx.conf",
          "events {}\nhttp { server { listen 127.0.0.1:%d backlog=4096; } }\n" % OVERFLOWING)
    write(root + "/etc/sysctl.d/99-old.conf", "net.core.somaxconn = %d\n" % SOMAXCONN)


def listen(name, address, backlog):
    """A process of this name that listens and never accepts."""
    ready, told = os.pipe()
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(15, name.encode(), 0, 0, 0)  # PR_SET_NAME
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        server = socket.socket(family, socket.SOCK_STREAM)
        if family == socket.AF_INET:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(address)
        server.listen(backlog)
        os.write(told, b".")
        while True:
            signal.pause()
    os.close(told)
    assert os.read(ready, 1), "%s does not listen" % name
    os.close(ready)


def connect(port):
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", port))
    return client


def overflow():
    """Clients that come again and again to a full queue."""
    waiting = [connect(OVERFLOWING) for _ in range(SOMAXCONN + 1)]
    while waiting:
        late = connect(OVERFLOWING)
        time.sleep(0.02)
        late.close()


def machine(scratch):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with open("/proc/sys/net/core/somaxconn", "w") as file:
        file.write(str(SOMAXCONN))
    files(scratch + "/root")
    listen("nginx", ("127.0.0.1", OVERFLOWING), 4096)
    listen("filler", ("127.0.0.1", FILLING), 10)
    listen("idler", ("127.0.0.1", IDLE), 5)
    listen("sock-idler", scratch + "/" + HOSTILE, 5)
    listen(HOSTILE, ("127.0.0.1", 7004), 5)
    threading.Thread(target=overflow, daemon=True).start()
    return [connect(FILLING) for _ in range(9)]


def kernel():
    """Recv-Q and Send-Q by port."""
    rows = subprocess.run(["ss", "-lntH"], stdout=subprocess.PIPE, text=True, check=True).stdout
    fields = [row.split() for row in rows.splitlines()]
    return {int(row[3].rsplit(":", 1)[1]): (int(row[1]), int(row[2])) for row in fields}


# ---------------------------------------------------------------- the terminal


class Tmux:
    def __init__(self, width, height):
        self.run("-f", "/dev/null", "-u", "new-session", "-d", "-x", str(width), "-y", str(height),
                 "env PS1='$ ' LC_ALL=C.UTF-8 sh")
        self.run("set-option", "-g", "window-size", "manual")
        self.until(lambda screen: "$" in screen, "a prompt")

    def run(self, *argv):
        done = subprocess.run(["tmux", "-L", "watch", *argv], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)
        assert done.returncode == 0, "tmux %s: %s" % (argv, done.stdout)
        return done.stdout

    def screen(self, *options):
        return self.run("capture-pane", "-p", *options)

    def keys(self, *keys):
        self.run("send-keys", *keys)

    def type(self, text):
        self.run("send-keys", "-l", text)

    def command(self, text):
        self.type(text)
        self.keys("Enter")

    def state(self, name):
        return self.run("display-message", "-p", "#{%s}" % name).strip()

    def until(self, holds, what):
        """The screen as soon as it is as expected."""
        end, screen = time.monotonic() + PATIENCE, ""
        while time.monotonic() < end:
            screen = self.screen()
            try:
                if holds(screen):
                    return screen
            except (IndexError, KeyError, ValueError):
                pass  # half a screen
            time.sleep(0.05)
        raise AssertionError("%s is not to be seen:\n%s" % (what, screen))

    def stays(self, seconds):
        """Whether the screen is the same for so long."""
        before, end = self.screen(), time.monotonic() + seconds
        while time.monotonic() < end:
            if self.screen() != before:
                return False
            time.sleep(0.05)
        return True

    def restored(self, code):
        """Back in the shell: its screen, its cursor, its line discipline, and the exit code."""
        self.until(lambda _: self.state("alternate_on") == "0", "the shell")
        assert self.state("cursor_flag") == "1", "the cursor is hidden"
        self.command("echo code=$? $(stty -a | grep -o -w -e -icanon -e -echo -e icanon -e echo)")
        # Before the shell has prompted, what is typed shows on a line of its own, and the answer behind the prompt.
        answers = re.compile(r"^(?:\$ )?(code=\d.*)", re.M)
        said = answers.findall(self.until(answers.search, "the exit code"))[-1]
        assert said == "code=%d icanon echo" % code, said
        self.command("clear")
        self.until(lambda screen: "code=" not in screen, "a clear screen")


def rows(screen):
    """The table: by port, the service, what waits, the peak, the limit and the drops; in order."""
    found = {}
    for line in screen.splitlines():
        fields = line.replace("▸", " ").lstrip("> ").split()
        address = re.fullmatch(r"127\.0\.0\.1:(\d+)", fields[0]) if len(fields) > 6 else None
        if address:
            now, peak, limit = map(int, fields[3:6])
            found[int(address.group(1))] = (fields[1], now, peak, limit, fields[6])
    return found


# ---------------------------------------------------------------- scenes


def start(tmux, command, before=""):
    tmux.command("%s%s" % (before, command))
    return tmux.until(lambda screen: rows(screen)[OVERFLOWING][4] not in ("-", "0"), "an overflow")


def shows_what_ss_shows(tmux):
    def same(screen):
        truth, shown = kernel(), rows(screen)
        return all(shown[port][1:2] + shown[port][3:4] == truth[port] for port in truth)
    screen = tmux.until(same, "what ss shows")
    table = rows(screen)
    assert table[OVERFLOWING][:4] == ("nginx", SOMAXCONN + 1, SOMAXCONN + 1, SOMAXCONN), table
    assert table[FILLING][1:4] == (9, 9, 10) and table[IDLE][1:4] == (0, 0, 5), table
    assert list(table)[:2] == [OVERFLOWING, FILLING], "the fullest first: %s" % list(table)
    assert re.search(r"accept queue overflows [\d.]+/s", screen), screen
    assert re.search(r"overflowing: nginx on 127\.0\.0\.1:%d" % OVERFLOWING, screen), screen
    assert re.search(r"^   (next|help) ", screen, re.M), screen
    assert re.search(r"[12] idle unix hidden", screen), screen  # tmux itself has one


def sorts(tmux):
    ports = sorted(kernel())
    tmux.keys("s")
    tmux.until(lambda screen: "drop/s▾" in screen and list(rows(screen))[0] == OVERFLOWING, "drops")
    tmux.keys("s")
    tmux.until(lambda screen: list(rows(screen)) == ports, "addresses in order")
    tmux.keys("r")
    tmux.until(lambda screen: list(rows(screen)) == ports[::-1], "addresses in reverse")
    tmux.keys("r", "s", "s")
    tmux.until(lambda screen: "queue▾" in screen, "the fullest first")


def filters(tmux):
    tmux.keys("/")
    tmux.type("fill")
    tmux.until(lambda screen: "filter: fill" in screen and list(rows(screen)) == [FILLING], "one row")
    tmux.keys("Enter")
    tmux.until(lambda screen: "q quit" in screen and list(rows(screen)) == [FILLING], "the filter kept")
    tmux.keys("/", "C-u", "Enter")
    tmux.until(lambda screen: len(rows(screen)) == len(kernel()), "all rows")


def selects(tmux):
    def selected(screen):
        return [line.split()[1] for line in screen.splitlines() if line.startswith("▸")]
    order = list(rows(tmux.screen()))
    tmux.keys("Down")
    tmux.until(lambda screen: selected(screen) == ["127.0.0.1:%d" % order[1]], "the second row selected")
    tmux.keys("Home")
    tmux.until(lambda screen: selected(screen) == ["127.0.0.1:%d" % order[0]], "the first row selected")


def pauses(tmux):
    tmux.keys("p")
    tmux.until(lambda screen: "PAUSED" in screen, "the pause")
    assert tmux.stays(2), "a paused screen moves"
    tmux.keys("Space")
    tmux.until(lambda screen: "PAUSED" not in screen, "no pause")


def helps(tmux):
    tmux.keys("?")
    tmux.until(lambda screen: "Ctrl-C always quits" in screen, "help")
    tmux.keys("Escape")
    tmux.until(rows, "the table")


def tells_all(tmux):
    tmux.keys("Enter")
    screen = tmux.until(lambda screen: "runs now (Send-Q)" in screen, "the detail")
    for word in ("nginx 127.0.0.1:%d" % OVERFLOWING, "17 now", "overflowing", "net.core.somaxconn",
                 "etc/nginx/nginx.conf:2", "etc/sysctl.d/99-old.conf:1"):
        assert word in screen, "%s is missing:\n%s" % (word, screen)
    tmux.keys("q")
    tmux.until(rows, "the table")


def shows_hostile_names_as_text(tmux):
    tmux.keys("u")
    tmux.until(lambda screen: r"\x1b[31mred\x07" in screen, "the path, spelled out")
    tmux.keys("u")
    tmux.until(lambda screen: r"\x1b" not in screen, "no unix sockets")


def fits(tmux):
    for size, word in [((30, 6), "Too small"), ((120, 40), "owner"), ((80, 24), "drop/s")]:
        tmux.run("resize-window", "-x", str(size[0]), "-y", str(size[1]))
        screen = tmux.until(lambda screen: word in screen, "%sx%s" % size)
        assert max(map(len, screen.splitlines())) <= size[0], screen


def leaves(tmux, command):
    tmux.keys("q")
    tmux.restored(0)
    for ending, code in [("C-c", 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]:
        start(tmux, command)
        if isinstance(ending, str):
            tmux.keys(ending)
        else:
            pid = subprocess.run(["pgrep", "-f", "^[^ ]*backlog-audit watch"], stdout=subprocess.PIPE, text=True).stdout
            os.kill(int(pid.split()[0]), ending)
        tmux.restored(code)


def is_plain(tmux, command):
    start(tmux, command, "NO_COLOR=1 LC_ALL=C ")
    screen = tmux.screen("-e")
    assert screen.isascii(), screen
    assert not re.search(r"\x1b\[[0-9;]*\b(3[0-8]|4[0-8]|9[0-7])m", screen), "coloured:\n%s" % screen
    tmux.keys("q")
    tmux.restored(0)


def is_lines_in_a_pipe(command):
    done = subprocess.run("%s --for 3s | cat" % command, shell=True, stdout=subprocess.PIPE, text=True,
                          timeout=PATIENCE, check=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    full = [line for line in lines if line[2] == "127.0.0.1:%d" % OVERFLOWING and line[6] != "-"]
    assert len(full) >= 2, done.stdout
    for time_, namespace, _, queued, peak, limit, dropped, half_open, sockets, service in full:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time_) and namespace == "host", done.stdout
        assert (queued, peak, limit, sockets, service) == ("17", "17", "16", "1", "nginx"), done.stdout
        assert float(dropped) > 0 and int(half_open) >= 0, done.stdout
    assert "\x1b" not in done.stdout, done.stdout
    assert not any(line[2] == "127.0.0.1:%d" % IDLE for line in lines), "an idle one is told:\n" + done.stdout
    done = subprocess.run("%s | head -1" % command, shell=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=PATIENCE, check=True)
    assert len(done.stdout.splitlines()) == 1, "a closed pipe is not quiet:\n" + done.stdout
    dumb = "TERM=dumb script -qec '%s --count 1' /dev/null" % command
    done = subprocess.run(dumb, shell=True, stdout=subprocess.PIPE, text=True, timeout=PATIENCE, check=True)
    assert "\x1b" not in done.stdout and "nginx" in done.stdout, done.stdout


def pages(tmux, command):
    """The table, the detail and the help, with their colours, a form feed between them."""
    tmux.command(command)
    tmux.until(lambda screen: screen.count("█") > 20, "something to see")
    shown = [tmux.screen("-e")]
    for keys, word in [(["Enter"], "runs now"), (["q", "?"], "always quits")]:
        tmux.keys(*keys)
        tmux.until(lambda screen: word in screen and "s sort" not in screen, word)
        shown.append(tmux.screen("-e"))
    return "\x0c".join(shown)


def inside(binary, show):
    with tempfile.TemporaryDirectory(prefix="watch-") as scratch:
        held = machine(scratch)
        command = "%s watch --every 500ms %s" % (shlex.quote(binary), shlex.quote(scratch + "/root"))
        if show:
            return print(pages(Tmux(*map(int, show.split("x"))), command))
        tmux = Tmux(80, 24)
        start(tmux, command)
        scenes = [shows_what_ss_shows, sorts, filters, selects, pauses, helps, tells_all,
                  shows_hostile_names_as_text, fits]
        for scene in scenes:
            scene(tmux)
        leaves(tmux, command)
        is_plain(tmux, command)
        is_lines_in_a_pipe(command)
        print("watch: %d scenes passed" % (len(scenes) + 3))
        del held


def main():
    words = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    words.add_argument("--show", metavar="WxH")
    words.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    words.add_argument("binary")
    given = words.parse_args()
    if given.inside:
        return inside(given.binary, given.show)
    again = [sys.executable, os.path.abspath(__file__), "--inside", os.path.abspath(given.binary)]
    again += ["--show", given.show] if given.show else []
    done = subprocess.run(["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", *again],
                          timeout=600)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
