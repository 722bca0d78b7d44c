#!/usr/bin/env python3
"""Let the real Prometheus read what we show, and compare its answers with `ss` and `nstat`.

    prometheus.py BIN       BIN is the built program

First promtool checks our alert rules and runs their cases. Then, in namespaces of its own, a listener overflows, another
has half-open connections, and an nginx runs with less than its files say; BIN serves, Prometheus scrapes and answers
queries: ours, those of the dashboard, and the alert rules. Standard library only; it takes some ten seconds.
"""
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
MONITORING = os.path.join(os.path.dirname(os.path.dirname(HERE)), "monitoring")
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from machine import run, write
from listen import silence, syn

OURS, THEIRS = "127.0.0.1:9798", "127.0.0.1:9090"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


def same(what, found, expected):
    if found != expected:
        raise SystemExit("%s: %r, expected %r" % (what, found, expected))


def promtool(*argv, **options):
    done = subprocess.run(["promtool", *argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    # What it only advises is also written there.
    if done.returncode != 0 or (argv[0] == "check" and argv[1] == "metrics" and done.stdout.strip()):
        raise SystemExit("promtool %s: %s" % (" ".join(argv), done.stdout))


def until(what, ask, limit=30):
    """Ask until the answer is something."""
    end = time.time() + limit
    while time.time() < end:
        with contextlib.suppress(OSError):
            answer = ask()
            if answer:
                return answer
        time.sleep(0.1)
    raise SystemExit("%s: not within %d s" % (what, limit))


def get(address, path, accept="*/*"):
    request = urllib.request.Request("http://%s%s" % (address, path), headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def ask(path, **values):
    _, body = get(THEIRS, "/api/v1/" + path + "?" + urllib.parse.urlencode(values))
    return json.loads(body)["data"]


def query(expression):
    return ask("query", query=expression)["result"]


def number(expression):
    """The only number that Prometheus has for it."""
    result = query(expression)
    same("rows of " + expression, len(result), 1)
    return float(result[0]["value"][1])


# ---------------------------------------------------------------- the machine


def listening(port, backlog, address="127.0.0.1"):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((address, port))
    listener.listen(backlog)
    return listener


def connecting(port, count):
    """Clients that come at once; those that got no answer give up before they ask again."""
    clients = []
    for _ in range(count):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
        clients.append(client)
    time.sleep(0.3)
    return [client for client in clients if is_connected(client) or client.close()]


def is_connected(client):
    with contextlib.suppress(OSError):
        client.getpeername()
        return True
    return False


def nginx(scratch, backlog):
    """Start the real nginx, then let its file ask for more."""
    conf = os.path.join(scratch, "root/etc/nginx/nginx.conf")
    os.makedirs(os.path.dirname(conf))
    text = ("daemon off; pid %s/pid; error_log stderr; events {}\n"
            "http { access_log off; server { listen 127.0.0.1:8081 backlog=%d; } }\n")
    write(conf, text % (scratch, backlog[0]))
    child = subprocess.Popen(["nginx", "-e", "stderr", "-c", conf, "-p", scratch])
    until("nginx", lambda: 8081 in queues())
    write(conf, text % (scratch, backlog[1]))
    return child


def queues():
    """Recv-Q and Send-Q of every listening socket, by port."""
    rows = (line.split() for line in run("ss", "-lntH").stdout.splitlines())
    found = {}
    for row in rows:
        found.setdefault(int(row[3].rsplit(":", 1)[1]), []).append((int(row[1]), int(row[2])))
    return found


def counters():
    rows = (line.split() for line in run("nstat", "-asz").stdout.splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}


# ---------------------------------------------------------------- the two servers


def ours(binary, root):
    child = subprocess.Popen([binary, "live", root, "--serve"], stderr=subprocess.PIPE, text=True)
    said = child.stderr.readline()
    same("what is served", said, "Serving http://%s/metrics until stopped (Ctrl-C).\n" % OURS)
    return child


def theirs(scratch):
    config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
              "rule_files": [os.path.join(MONITORING, "backlog-audit.rules.yml")],
              "scrape_configs": [{"job_name": "backlog-audit", "static_configs": [{"targets": [OURS]}]}]}
    path = os.path.join(scratch, "prometheus.yml")
    write(path, json.dumps(config))  # JSON is YAML
    promtool("check", "config", path)
    log = open(os.path.join(scratch, "log"), "w")
    return subprocess.Popen(["prometheus", "--config.file=" + path, "--web.listen-address=" + THEIRS,
                             "--storage.tsdb.path=" + os.path.join(scratch, "data")], stdout=log, stderr=log)


# ---------------------------------------------------------------- what must be true


def compare():
    """Every number that ss and nstat know too."""
    for port, sockets in queues().items():
        at = '{address="127.0.0.1:%d"}' % port
        if port == 9090 or port == 9798:
            continue
        waiting, limits = [row[0] for row in sockets], [row[1] for row in sockets]
        for name, truth in (("sockets", len(sockets)), ("queue_limit", min(limits)),
                            ("queue_capacity", sum(limits) + len(limits)),
                            ("queued_connections", sum(waiting)), ("queued_connections_max", max(waiting))):
            same("%s of %d" % (name, port), number("backlog_audit_listener_%s%s" % (name, at)), truth)
    shown = counters()
    for name, counter in (("listen_overflows", "TcpExtListenOverflows"), ("listen_drops", "TcpExtListenDrops"),
                          ("syncookies_sent", "TcpExtSyncookiesSent"),
                          ("syn_queue_full_drops", "TcpExtTCPReqQFullDrop"),
                          ("syn_queue_full_cookies", "TcpExtTCPReqQFullDoCookies"),
                          ("embryonic_resets", "TcpExtEmbryonicRsts")):
        same(counter, number('backlog_audit_namespace_%s_total{namespace="host"}' % name), shown[counter])
    for key in ("net.core.somaxconn", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_max_syn_backlog"):
        with open("/proc/sys/" + key.replace(".", "/")) as file:
            same(key, number("backlog_audit_sysctl_" + key.replace(".", "_")), int(file.read()))


def known(half_open):
    """What this script has done itself."""
    same("overflows", number("backlog_audit_namespace_listen_overflows_total"), 8)
    same("drops", number('backlog_audit_listener_drops_total{address="127.0.0.1:8080"}'), 8)
    same("fill", number('backlog_audit_listener_queue_fill_ratio{address="127.0.0.1:8080"}'), 1)
    at = '{address="127.0.0.1:8082"}'
    shown = run("ss", "-ntH", "state", "syn-recv", "sport", "= :8082").stdout.splitlines()
    same("ss syn-recv", len(shown), half_open)
    same("half open", number("backlog_audit_listener_half_open_connections" + at), half_open)
    same("peers", number("backlog_audit_listener_half_open_peers" + at), half_open)
    drift = query("backlog_audit_listener_queue_limit < backlog_audit_listener_queue_limit_predicted")
    labels = {key: drift[0]["metric"][key] for key in ("address", "service", "transport", "namespace")}
    same("drift", (len(drift), labels, drift[0]["value"][1]), (1, {
        "address": "127.0.0.1:8081", "service": "nginx", "transport": "tcp", "namespace": "host"}, "5"))
    same("predicted", number("backlog_audit_listener_queue_limit_predicted"), 50)
    info = query('backlog_audit_listener_info{service="nginx"}')[0]["metric"]
    same("process", info["process"], "nginx")


def forms(binary, root):
    """Both forms over HTTP, and the same text in a file and on standard output."""
    kind, plain = get(OURS, "/metrics")
    same("plain", kind, "text/plain; version=0.0.4; charset=utf-8")
    promtool("check", "metrics", input=plain)
    kind, text = get(OURS, "/metrics", OPEN_METRICS)
    same("OpenMetrics", (kind, text.endswith("\n# EOF\n")), (OPEN_METRICS + "; charset=utf-8", True))
    same("UNIT", "\n# UNIT backlog_audit_listener_queue_fill_ratio ratio\n" in text, True)
    # Only OpenMetrics tells the unit: so Prometheus asked for it, and could read it.
    metadata = ask("targets/metadata", metric="backlog_audit_listener_queue_fill_ratio")
    same("the unit that Prometheus read", metadata[0]["unit"], "ratio")
    printed = subprocess.run([binary, "live", root, "--format", "prometheus", "--fail-on", "never"],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
    promtool("check", "metrics", input=printed)
    names = [sorted(set(re.findall(r"^# TYPE (\S+)", text, re.M))) for text in (plain, printed)]
    same("metrics printed", names[1], names[0])
    path = os.path.join(root, "x.prom")
    subprocess.run([binary, "live", root, "-f", "prometheus=" + path, "-q", "--fail-on", "never"], check=True)
    with open(path) as file:
        promtool("check", "metrics", input=file.read())
    return len(plain)


def dashboard():
    """Every query of the dashboard is understood and shows something; every metric in it is one of ours."""
    with open(os.path.join(MONITORING, "grafana-dashboard.json")) as file:
        board = json.load(file)
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    same("ids", len({panel["id"] for panel in board["panels"]}), len(board["panels"]))
    count = 0
    for panel in panels:
        same("datasource of " + panel["title"], panel["datasource"]["uid"], "${datasource}")
        for target in panel["targets"]:
            expression = re.sub(r"\$(instance|namespace|address)\b", ".*", target["expr"]).replace("$__rate_interval", "1m")
            may_be_nothing = "backlog_audit_findings" in expression
            until(expression, lambda: may_be_nothing or query(expression))
            query(expression)
            count += 1
    return count


def alerts():
    """The rules are evaluated, and the overflow is told with its listener."""
    groups = until("rules", lambda: [it for it in ask("rules")["groups"] if it["evaluationTime"]])
    rules = [rule for group in groups for rule in group["rules"]]
    wrong = ["%s: %s" % (rule["name"], rule.get("lastError")) for rule in rules if rule["health"] == "err"]
    same("rules that fail", wrong, [])
    names = {alert["labels"]["alertname"] for alert in ask("alerts")["alerts"]}
    # The overflow was over before the first scrape; the full queue and the drift wait for their time, as do our findings.
    same("alerts", names - {"BacklogAuditFindsErrors"}, {"ListenQueueFilling", "ListenQueueShorterThanFilesSay"})
    clients = connecting(8080, 3)
    same("clients of a full queue", clients, [])
    fired = until("the overflow's alert", lambda: [
        alert for alert in ask("alerts")["alerts"] if alert["labels"]["alertname"] == "ListenQueueOverflows"])
    until("its listener", lambda: "127.0.0.1:8080" in "".join(
        alert["annotations"]["description"] for alert in ask("alerts")["alerts"]
        if alert["labels"]["alertname"] == "ListenQueueOverflows"))
    return len(rules), fired[0]["state"]


def silent(count):
    """How long a scrape takes while so many clients say nothing."""
    held = [socket.create_connection(("127.0.0.1", 9798)) for _ in range(count)]
    began = time.time()
    get(OURS, "/metrics")
    took = time.time() - began
    for client in held:
        client.close()
    return took


def inside(binary, scratch):
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    silence()
    server = nginx(scratch, (5, 50))
    kept = [listening(8080, 3), listening(8082, 10), listening(8083, 7), listening(8083, 9)]
    kept += connecting(8080, 12) + connecting(8083, 4)
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    write("/proc/sys/net/ipv4/tcp_synack_retries", 10)
    root = os.path.join(scratch, "root")
    children = [server, ours(binary, root), theirs(scratch)]
    try:
        until("a scrape", lambda: query('up{job="backlog-audit"} == 1'))
        for peer in range(5):
            raw.sendto(syn(peer, 8082), ("127.0.0.1", 0))
        until("the half-open connections", lambda: query("backlog_audit_listener_half_open_connections == 5"))
        compare()
        known(5)
        size = forms(binary, root)
        queries = dashboard()
        rules, state = alerts()
        took = number("scrape_duration_seconds")
        waited = silent(8)
        same("a scrape beside 8 silent clients within 5 s", waited < 5, True)
        children[1].send_signal(signal.SIGTERM)
        same("exit code after SIGTERM", children[1].wait(10), 0)
    finally:
        for child in children:
            child.kill()
    print("%d bytes scraped in %.0f ms; %d queries of the dashboard and %d rules hold, the overflow is %s; "
          "beside 8 silent clients a scrape takes %.1f s" % (size, took * 1000, queries, rules, state, waited))


def main():
    if sys.argv[1] == "--inside":
        return inside(*sys.argv[2:])
    promtool("check", "rules", os.path.join(MONITORING, "backlog-audit.rules.yml"))
    promtool("test", "rules", "backlog-audit.rules.test.yml", cwd=MONITORING)
    with tempfile.TemporaryDirectory(prefix="oracle-") as scratch:
        os.chmod(scratch, 0o755)
        done = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                               sys.executable, os.path.abspath(__file__), "--inside",
                               os.path.abspath(sys.argv[1]), scratch], timeout=150)
        if done.returncode != 0 and os.path.exists(os.path.join(scratch, "log")):
            with open(os.path.join(scratch, "log")) as file:
                sys.stderr.write("".join(file.readlines()[-5:]))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
