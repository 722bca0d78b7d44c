//! What Prometheus reads: both forms of a machine made by hand, and names that try to break them.

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use backlog_audit::model::{
    Counter, Counters, Endpoint, HalfOpen, Listening, Namespace, NamespaceKind, Owner, Running, Seen,
    Severity, key,
};
use backlog_audit::report::Report;
use backlog_audit::report::prometheus::{Exposition, render};
use backlog_audit::rules::Rules;
use backlog_audit::text::HashSet;
use backlog_audit::text::Sources;
use backlog_audit::text::Span;
use common::by_hand::ByHand;
use common::snapshot;

fn namespace(name: &str, kind: NamespaceKind, somaxconn: i64, overflows: u64) -> Namespace {
    let counts = Counter::ALL.into_iter().zip([overflows, overflows + 2, 0, 7, 7, 1, 40, 1_000_000]);
    Namespace {
        name: name.into(),
        kind,
        inode: 1,
        enter: String::new(),
        sysctls: BTreeMap::from([(key::SOMAXCONN.into(), somaxconn), (key::SYNCOOKIES.into(), 1)]),
        counters: Counters(counts.collect()),
        moved: Counters::default(),
    }
}

fn socket(namespace: &str, address: &str, (queued, limit): (u32, u32)) -> Listening {
    let address = Endpoint::from(address.to_owned());
    let tcp = address.port().is_some();
    Listening {
        namespace: namespace.into(),
        interface: None,
        mptcp: false,
        limit,
        queued,
        peak: queued,
        half_open: HalfOpen::default(),
        drops: tcp.then_some(3),
        dropped: None,
        inode: 1,
        uid: 0,
        owner: None,
        address,
    }
}

fn owner(name: &str, unit: Option<&str>, container: Option<&str>) -> Option<Arc<Owner>> {
    Some(Arc::new(Owner {
        pid: 4711,
        name: name.into(),
        program: None,
        unit: unit.map(Into::into),
        container: container.map(Into::into),
        started: None,
    }))
}

/// Two namespaces: nginx with two sockets of one address, a unix socket, one that only the files know, and a container.
fn sample() -> ByHand {
    let mut hand = ByHand::new();
    hand.0.rules = Rules::load(&Sources::new(), &[]).unwrap();
    let sysctl = hand.file("etc/sysctl.d/99-old.conf", "net.core.somaxconn = 511\n");
    let nginx = hand.file("etc/nginx/nginx.conf", "listen 80 backlog=600;\nlisten 81 backlog=100;\n");
    hand.somaxconn(hand.at(sysctl, "511"), 511);
    hand.listener("nginx", "0.0.0.0:80", hand.at(nginx, "backlog=600"), 600);
    hand.listener("nginx", "0.0.0.0:81", hand.at(nginx, "backlog=100"), 100);
    let mut first = socket("host", "0.0.0.0:80", (129, 128));
    first.half_open = HalfOpen { count: 9, retried: 2, peers: 4 };
    first.owner = owner("nginx", Some("nginx.service"), None);
    let second = Listening { queued: 0, peak: 64, limit: 511, ..first.clone() };
    let mut bound = socket("host", "127.0.0.1:9000", (0, 5));
    bound.interface = Some("lo".into());
    let mut contained = socket("shop", "*:8080", (1, 3));
    contained.owner = owner("node", None, Some("shop"));
    let sockets = vec![
        first,
        second,
        bound,
        socket("host", "/run/php.sock", (2, 7)),
        socket("host", "@00a1f", (0, 5)),
        contained,
    ];
    let namespaces = vec![
        namespace("host", NamespaceKind::Host, 4096, 17),
        namespace("shop", NamespaceKind::Container, 128, 0),
    ];
    seen(&mut hand.0, namespaces, sockets, &[Some(0), Some(0)]);
    hand
}

/// Lays what was seen over a report.
fn seen(
    report: &mut Report,
    namespaces: Vec<Namespace>,
    sockets: Vec<Listening>,
    listeners: &[Option<usize>],
) {
    let origin = backlog_audit::text::Origin::Live("ss -lntp".into());
    let lines = vec![Span::top(report.sources.add(origin, "State".as_bytes())); sockets.len()];
    let mut joined = listeners.to_vec();
    joined.resize(sockets.len(), None);
    let unseen = vec!["1 network namespace (only root can enter it)".to_owned()];
    let running =
        Running { at: 1_700_000_000, window: 0.5, namespaces, sockets, unseen, ..Running::default() };
    report.seen = Some(Seen { running, listeners: joined, lines, counters: Vec::new() });
}

#[test]
fn both_forms_are_the_recorded_ones() {
    let mut hand = sample();
    let line = hand.0.seen.as_ref().unwrap().lines[0];
    let file = hand.0.host.listeners[0].site;
    hand.finding("overflowing", Severity::Error, "it overflows", line);
    hand.finding("live-drift", Severity::Warning, "it differs", file).labels =
        vec![backlog_audit::model::Label::new(line, "runs with 128")];
    hand.finding("overflowing", Severity::Error, "it overflows too", line);
    hand.finding("queue-clamped", Severity::Warning, "of the files alone", file);
    for (form, name) in [(Exposition::Text, "prometheus.txt"), (Exposition::OpenMetrics, "openmetrics.txt")] {
        let text = render(&hand.0, form);
        snapshot::same(&Path::new("tests/screens").join(name), text.as_bytes());
    }
}

#[test]
fn a_machine_that_was_not_looked_at_has_a_version() {
    let text = render(&ByHand::new().0, Exposition::OpenMetrics);
    assert_eq!(text.lines().count(), 4, "{text}");
}

/// Each row once, whatever a socket, a process or a namespace is called.
#[test]
fn hostile_names_neither_break_a_line_nor_repeat_a_row() {
    let mut hand = ByHand::new();
    let evil =
        ["\n# EOF\n", "\"} 1\n", "\\", "\u{1b}[2J", "a{b=\"c\"}", "\u{202e}", "\\n# EOF\\n", "", "\u{fffd}"];
    let namespaces = evil.iter().map(|name| namespace(name, NamespaceKind::Other, 1, 1)).collect();
    let sockets = evil.iter().flat_map(|name| {
        evil.iter().map(|path| {
            let socket = socket(name, &format!("/{path}"), (0, 1));
            Listening {
                owner: owner(path, Some(name), Some(path)),
                interface: Some((*path).into()),
                ..socket
            }
        })
    });
    let sockets: Vec<Listening> = sockets.collect();
    seen(&mut hand.0, namespaces, sockets, &[]);
    hand.finding("a\"\n", Severity::Info, "", hand.0.seen.as_ref().unwrap().lines[0]);
    for form in [Exposition::Text, Exposition::OpenMetrics] {
        let text = render(&hand.0, form);
        let mut rows = HashSet::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (row, number) = line.rsplit_once(' ').unwrap();
            assert!(number.parse::<f64>().is_ok(), "{line}");
            assert!(rows.insert(row), "twice: {row}");
            assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
        }
        assert_eq!(text.matches("\n# EOF\n").count(), usize::from(form == Exposition::OpenMetrics));
        assert!(text.contains("namespace=\"\\\\n# EOF\\\\n\""), "{text}");
    }
}
