"""The machine that a case runs on, inside its own namespaces: files laid over it, programs started on it, sockets seen on it."""
import collections
import os
import re
import subprocess
import tempfile
import time

# Ports that the kernel picks are drawn from here, so that they can be told from written ones.
EPHEMERAL = (61000, 65000)
SYSCTL_DIRS = ["etc/sysctl.d", "run/sysctl.d", "usr/local/lib/sysctl.d", "usr/lib/sysctl.d"]
ONLINE = "/sys/devices/system/cpu/online"  # what sysconf(_SC_NPROCESSORS_ONLN) reads
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"  # systemd's, for a unit that sets none
SILENT = "ended without a word"

Started = collections.namedtuple("Started", "process listeners said")
# Where what is written is gone with the namespaces.
OURS = set()


def run(*argv, **options):
    """Run to the end. The output goes through a file: a daemon left behind may hold it open."""
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                              timeout=60, **options)
        said.seek(0)
        done.stdout = said.read()
        return done


def read(path):
    with open(path, errors="replace") as file:
        return file.read()


def write(path, value):
    with open(path, "w") as file:
        file.write(str(value))


# ---------------------------------------------------------------- files


def mount(*argv, **options):
    subprocess.run(["mount", *argv], check=True, **options)


def private():
    mount("--make-rprivate", "/")


def bind(root, *paths):
    """Lay the case's files over the machine's: a folder that the case lacks becomes empty."""
    for path in paths:
        inside, outside = os.path.join(root, path), "/" + path
        if not os.path.lexists(inside):
            os.makedirs(inside)
        if not os.path.lexists(outside):
            shelter(os.path.dirname(outside))
            os.makedirs(outside) if os.path.isdir(inside) else write(outside, "")
        mount("--rbind", inside, outside)
        OURS.add(os.path.realpath(outside))


def bind_present(root, *paths):
    """The same for those that the case has."""
    bind(root, *(path for path in paths if os.path.exists(os.path.join(root, path))))


def empty(*paths):
    for path in paths:
        if not os.path.lexists(path):
            shelter(os.path.dirname(path))
            os.makedirs(path)
        mount("-t", "tmpfs", "tmpfs", path)
        OURS.add(os.path.realpath(path))


def shelter(folder):
    """Make a folder one in which new files stay in the namespaces: mount points never show on the machine itself."""
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    folder = os.path.realpath(folder)
    if any(folder == place or folder.startswith(place + "/") for place in OURS):
        return
    # What is mounted below would be hidden, and so it is held and put back.
    below = [place for place in mount_points() if place.startswith(folder + "/")]
    held = [os.open(place, os.O_PATH) for place in below]
    mount("-t", "tmpfs", "tmpfs", "/mnt")
    upper, work = "/mnt/upper", "/mnt/work"
    os.mkdir(upper)
    os.mkdir(work)
    os.chmod(upper, os.stat(folder).st_mode & 0o7777)
    mount("-t", "overlay", "overlay", "-o", "lowerdir=%s,upperdir=%s,workdir=%s" % (folder, upper, work), folder)
    subprocess.run(["umount", "/mnt"], check=True)
    for place, number in zip(below, held):
        mount("--no-canonicalize", "--rbind", "/proc/self/fd/%d" % number, place, pass_fds=[number])
        os.close(number)
    OURS.add(folder)


def mount_points():
    """Each once, a folder before what lies in it."""
    points = {re.sub(r"\\(\d{3})", lambda code: chr(int(code.group(1), 8)), line.split()[4])
              for line in read("/proc/self/mountinfo").splitlines()}
    return sorted(filter(os.path.exists, points))


def two_processors():
    """`auto`, buckets and the like mean the same everywhere."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("0-1\n")
        file.flush()
        mount("--bind", file.name, ONLINE)


def prepare(root):
    """A machine that has just booted: loopback is up and systemd-sysctl has run on the case."""
    private()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    write("/proc/sys/net/ipv4/ip_local_port_range", "%d %d" % EPHEMERAL)
    empty("/run", "/dev/shm")
    bind(root, *SYSCTL_DIRS)
    bind_present(root, "etc/hosts")
    run("/lib/systemd/systemd-sysctl")


# ---------------------------------------------------------------- sockets


def listeners():
    """Every listening TCP and unix stream socket of this namespace, as the contract spells it."""
    found = {}
    for line in run("ss", "-lntH").stdout.splitlines():
        fields = line.split()
        address, port = fields[3].rsplit(":", 1)
        mapped = re.fullmatch(r"\[::ffff:(\d+\.\d+\.\d+\.\d+)\]", address)
        address = mapped.group(1) if mapped else address
        kernel_picked = EPHEMERAL[0] <= int(port) <= EPHEMERAL[1]
        key = ("tcp", None if kernel_picked else "%s:%s" % (address, port), int(fields[2]))
        found[key] = found.get(key, 0) + 1
    for line in run("ss", "-lxH").stdout.splitlines():
        fields = line.split()
        if fields[0] in ("u_str", "u_seq") and fields[1] == "LISTEN":
            key = ("unix", fields[4], int(fields[3]))
            found[key] = found.get(key, 0) + 1
    return rows(found)


def rows(found):
    """A row for each transport, address and limit, with the number of sockets."""
    rows = [{"transport": t, "address": a, "limit": n, "sockets": count}
            for (t, a, n), count in found.items()]
    return sorted(rows, key=lambda row: (row["transport"], row["address"] or "", row["limit"]))


def settled(process=None, quiet=0.5, limit=20):
    """Wait until there are listeners and they have not changed for `quiet` seconds."""
    last, since, end = None, time.time(), time.time() + limit
    while time.time() < end:
        now = listeners()
        if now != last:
            last, since = now, time.time()
        elif now and time.time() - since >= quiet:
            break
        if process is not None and process.poll() is not None:
            break
        time.sleep(0.1)
    return listeners()


# ---------------------------------------------------------------- programs


def spawn(argv, said, **options):
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said, **options)


def start(argv, quiet=0.5, limit=20, **options):
    """Start a program and wait for what it opens."""
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        process = spawn(argv, said, **options)
        for number in options.get("pass_fds", ()):
            os.close(number)
        found = settled(process, quiet, limit)
        said.seek(0)
        return Started(process, found, said.read())


def ended(process):
    return process.poll() is not None


def record(server, found, refused):
    """The truth of a case; a server that refuses its configuration is not asked for sockets."""
    return {"server": server, "listeners": [] if refused else found, "refused": refused}


def package(*names):
    """Debian's packages and their versions."""
    return run("dpkg-query", "-W", *names).stdout.strip().replace("\t", " ")
