//! The metrics of the machine as a whole and of each network namespace.

use std::collections::{BTreeMap, BTreeSet};

use super::text::{Family, Kind, Labels};
use crate::model::{Counter, NamespaceKind, Running, Seen, Severity};
use crate::report::Report;
use crate::rules::Rule;

/// The counters of the kernel under names of the trade.
const COUNTERS: [(Counter, &str, &str); 8] = [
    (
        Counter::ListenOverflows,
        "listen_overflows",
        "Connection attempts that met a full accept queue; every retry counts again (TcpExtListenOverflows).",
    ),
    (
        Counter::ListenDrops,
        "listen_drops",
        "Connection attempts that a listener dropped for any reason, including overflows (TcpExtListenDrops).",
    ),
    (
        Counter::TCPReqQFullDrop,
        "syn_queue_full_drops",
        "SYNs dropped because the SYN queue was full while cookies were off (TcpExtTCPReqQFullDrop).",
    ),
    (
        Counter::TCPReqQFullDoCookies,
        "syn_queue_full_cookies",
        "SYNs that met a full queue while cookies were on (TcpExtTCPReqQFullDoCookies).",
    ),
    (Counter::SyncookiesSent, "syncookies_sent", "SYN cookies sent (TcpExtSyncookiesSent)."),
    (
        Counter::EmbryonicRsts,
        "embryonic_resets",
        "Half-open connections that either side reset (TcpExtEmbryonicRsts).",
    ),
    (
        Counter::TCPTimeouts,
        "tcp_timeouts",
        "TCP retransmissions by timer, including SYNs and SYN-ACKs (TcpExtTCPTimeouts).",
    ),
    (Counter::PassiveOpens, "passive_opens", "Connections that reached an accept queue (TcpPassiveOpens)."),
];

pub(super) fn version() -> Family {
    let labels = Labels::new([("version", env!("CARGO_PKG_VERSION"))]);
    Family::new("build", Kind::Info, "Version of backlog-audit.").with([(labels, 1.0)])
}

pub(super) fn families(report: &Report, seen: &Seen) -> Vec<Family> {
    let running = &seen.running;
    let mut families = of_look(running);
    families.push(findings(report));
    families.push(namespaces(running));
    families
        .extend(COUNTERS.iter().map(|(counter, name, help)| self::counter(running, *counter, name, help)));
    families.extend(sysctls(running));
    families
}

fn of_look(running: &Running) -> Vec<Family> {
    let one = |value| [(Labels::default(), value)];
    let seconds = Kind::GaugeIn("seconds");
    vec![
        Family::new("look_timestamp_seconds", seconds, "Time of this measurement, in seconds since 1970.")
            .with(one(running.at as f64)),
        Family::new("look_window_seconds", seconds, "Since the previous measurement; 0 for a first one.")
            .with(one(running.window)),
        Family::new(
            "unseen",
            Kind::Gauge,
            "Kinds of things that could not be read, mostly because of missing permissions.",
        )
        .with(one(running.unseen.len() as f64)),
    ]
}

/// The tool's own judgement. What it says of the files alone is for whoever changes them, not for an alert.
/// A rule that found nothing shows 0, so that an alert can see that it was asked.
fn findings(report: &Report) -> Family {
    let labels =
        |rule: &str, severity: Severity| Labels::new([("rule", rule), ("severity", severity.word())]);
    let live: Vec<&Rule> = report.rules.iter().filter(|rule| rule.is_live()).collect();
    let mut counts: BTreeMap<Labels, f64> =
        live.iter().map(|rule| (labels(&rule.id, rule.severity), 0.0)).collect();
    for finding in report.findings.iter().filter(|finding| live.iter().any(|rule| rule.id == finding.rule)) {
        *counts.entry(labels(&finding.rule, finding.severity)).or_default() += 1.0;
    }
    let help =
        "Findings about the running machine, by rule; `backlog-audit explain RULE` says what each means.";
    Family::new("findings", Kind::Gauge, help).with(counts)
}

fn namespaces(running: &Running) -> Family {
    let rows = running.namespaces.iter().map(|namespace| {
        let kind = match namespace.kind {
            NamespaceKind::Host => "host",
            NamespaceKind::Container => "container",
            NamespaceKind::Pod => "pod",
            NamespaceKind::Unit => "unit",
            NamespaceKind::Other => "other",
        };
        (Labels::new([("namespace", &namespace.name), ("kind", kind)]), 1.0)
    });
    Family::new("namespace", Kind::Info, "A network namespace and its owner.").with(rows)
}

fn counter(running: &Running, counter: Counter, name: &str, help: &'static str) -> Family {
    let rows = running.namespaces.iter().filter_map(|namespace| {
        let count = namespace.counters.get(counter)?;
        Some((Labels::new([("namespace", &namespace.name)]), count as f64))
    });
    Family::new(format!("namespace_{name}"), Kind::Counter, help).with(rows)
}

/// A family for each sysctl, named as node_exporter names them.
fn sysctls(running: &Running) -> Vec<Family> {
    let keys: BTreeSet<&String> = running.namespaces.iter().flat_map(|it| it.sysctls.keys()).collect();
    let family = |key: &&String| {
        let rows = running.namespaces.iter().filter_map(|namespace| {
            let value = namespace.sysctl(key)?;
            Some((Labels::new([("namespace", &namespace.name)]), value as f64))
        });
        let name = format!("sysctl_{}", key.replace(|c: char| !c.is_ascii_alphanumeric(), "_"));
        Family::new(name, Kind::Gauge, "Current value of the sysctl of this name.").with(rows)
    };
    keys.iter().map(family).collect()
}
