//! The metrics of listeners. Sockets that share an address (SO_REUSEPORT) are one listener here, since nothing that stays
//! the same tells one of them from the next.

use std::collections::BTreeMap;

use super::text::{Family, Kind, Labels};
use crate::model::{Endpoint, Listening, Owner, Seen, Transport};
use crate::report::Report;
use crate::text::HashSet;

/// The sockets of one address.
#[derive(Default)]
struct Listener<'a> {
    sockets: Vec<&'a Listening>,
    /// The limit that the files lead to.
    predicted: Option<i64>,
}

/// What one family tells of a listener.
struct Metric {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    of: fn(&Listener<'_>) -> Option<f64>,
}

const METRICS: [Metric; 12] = [
    Metric {
        name: "sockets",
        kind: Kind::Gauge,
        help: "Sockets that listen on the address, each with its own queues; 0 where only the files describe it.",
        of: |it| Some(it.sockets.len() as f64),
    },
    Metric {
        name: "queue_limit",
        kind: Kind::Gauge,
        help: "Limit of the accept queue (Send-Q of ss); the smallest, where several sockets share the address.",
        of: |it| it.sockets.iter().map(|socket| f64::from(socket.limit)).reduce(f64::min),
    },
    Metric {
        name: "queue_limit_predicted",
        kind: Kind::Gauge,
        help: "Limit that the files give the queue when the program restarts.",
        of: |it| it.predicted.map(|limit| limit as f64),
    },
    Metric {
        name: "queue_capacity",
        kind: Kind::Gauge,
        help: "Connections that can wait: one more than the limit, summed over the sockets of the address.",
        of: |it| it.sum(|socket| Some(socket.holds())),
    },
    Metric {
        name: "queued_connections",
        kind: Kind::Gauge,
        help: "Connections waiting to be accepted (Recv-Q of ss), summed over the sockets of the address.",
        of: |it| it.sum(|socket| Some(socket.queued)),
    },
    Metric {
        name: "queued_connections_max",
        kind: Kind::Gauge,
        help: "Connections waiting to be accepted in the fullest queue of the address.",
        of: |it| it.most(|socket| socket.queued),
    },
    Metric {
        name: "queued_connections_peak",
        kind: Kind::Gauge,
        help: "Most connections that waited at once in a queue of the address during the measurement.",
        of: |it| it.most(|socket| socket.peak.max(socket.queued)),
    },
    Metric {
        name: "queue_fill_ratio",
        kind: Kind::GaugeIn("ratio"),
        help: "How full the fullest queue of the address was at its peak; at 1 it turns the next client away.",
        of: |it| it.sockets.iter().map(|socket| fill(socket)).reduce(f64::max),
    },
    Metric {
        name: "drops",
        kind: Kind::Counter,
        help: "SYNs and final ACKs that the open sockets of the address have dropped since each was opened; it falls when one closes.",
        of: |it| it.sum(|socket| socket.drops),
    },
    Metric {
        name: "half_open_connections",
        kind: Kind::Gauge,
        help: "Connections with an unfinished handshake (SYN_RECV).",
        of: |it| it.tcp().map(|socket| f64::from(socket.half_open.count)).reduce(f64::max),
    },
    Metric {
        name: "half_open_retried_connections",
        kind: Kind::Gauge,
        help: "Half-open connections whose SYN-ACK had to be sent again because nobody answered it.",
        of: |it| it.tcp().map(|socket| f64::from(socket.half_open.retried)).reduce(f64::max),
    },
    Metric {
        name: "half_open_peers",
        kind: Kind::Gauge,
        help: "Number of addresses that half-open connections come from.",
        of: |it| it.tcp().map(|socket| f64::from(socket.half_open.peers)).reduce(f64::max),
    },
];

impl<'a> Listener<'a> {
    fn tcp(&self) -> impl Iterator<Item = &&'a Listening> {
        self.sockets.iter().filter(|socket| socket.address.transport() == Transport::Tcp)
    }

    /// The sum over the sockets that have the number; none if no socket has it.
    fn sum(&self, of: fn(&Listening) -> Option<u32>) -> Option<f64> {
        self.sockets.iter().filter_map(|socket| of(socket)).map(f64::from).reduce(|a, b| a + b)
    }

    fn most(&self, of: fn(&Listening) -> u32) -> Option<f64> {
        self.sockets.iter().map(|socket| f64::from(of(socket))).reduce(f64::max)
    }

    /// The first of its owners by name, where several processes share the address.
    fn owner(&self) -> Option<&'a Owner> {
        let name = |owner: &&Owner| (owner.name.clone(), owner.unit.clone(), owner.container.clone());
        self.sockets.iter().filter_map(|socket| socket.owner.as_deref()).min_by_key(name)
    }
}

fn fill(socket: &Listening) -> f64 {
    f64::from(socket.peak.max(socket.queued)) / f64::from(socket.holds())
}

pub(super) fn families(report: &Report, seen: &Seen) -> Vec<Family> {
    let listeners = listeners(report, seen);
    let info =
        listeners.iter().filter_map(|(labels, listener)| Some((owned(labels, listener.owner()?), 1.0)));
    let help = "Owner of a listener: the process, its systemd unit and its container, as far as this user may see them.";
    let mut families = vec![Family::new("listener", Kind::Info, help).with(info)];
    families.extend(METRICS.iter().map(|metric| {
        let row =
            |(labels, listener): (&Labels, &Listener<'_>)| Some((labels.clone(), (metric.of)(listener)?));
        Family::new(format!("listener_{}", metric.name), metric.kind, metric.help)
            .with(listeners.iter().filter_map(row))
    }));
    families
}

fn owned(labels: &Labels, owner: &Owner) -> Labels {
    let or_nothing = |name: &'_ Option<std::sync::Arc<str>>| name.clone().unwrap_or_default();
    let (unit, container) = (or_nothing(&owner.unit), or_nothing(&owner.container));
    labels.clone().and([("process", &owner.name), ("unit", &unit), ("container", &container)])
}

/// What listens, and what the files say should listen on an address that they know.
fn listeners<'a>(report: &'a Report, seen: &'a Seen) -> BTreeMap<Labels, Listener<'a>> {
    let mut found: BTreeMap<Labels, Listener<'_>> = BTreeMap::new();
    let sockets =
        seen.running.sockets.iter().zip(seen.listeners.iter().copied().chain(std::iter::repeat(None)));
    for (socket, joined) in sockets.filter(|(socket, _)| !is_passing(&socket.address)) {
        let listener = joined.and_then(|index| report.listener(index));
        let service = listener.map_or("", |(listener, _)| listener.service.as_str());
        let labels = labels(&socket.namespace, socket.address.transport(), &socket.bound_to(), service);
        let group = found.entry(labels).or_default();
        group.sockets.push(socket);
        group.predicted = group.predicted.or(listener.and_then(|(_, queue)| queue.limit));
    }
    let here = seen.running.namespaces.first().map_or("host", |namespace| &namespace.name);
    let joined: HashSet<usize> = seen.listeners.iter().copied().flatten().collect();
    for (index, (listener, queue)) in report.listeners().enumerate() {
        if let Some(address) = listener.address().filter(|_| !joined.contains(&index)) {
            let labels = labels(here, listener.endpoint.transport(), &address, &listener.service);
            found.entry(labels).or_insert(Listener { sockets: Vec::new(), predicted: queue.limit });
        }
    }
    found
}

fn labels(namespace: &str, transport: Transport, address: &str, service: &str) -> Labels {
    let labels = [
        ("namespace", namespace),
        ("transport", transport.word()),
        ("address", address),
        ("service", service),
    ];
    Labels::new(labels)
}

/// An abstract name that the kernel picked (`unix_autobind`, net/unix/af_unix.c: five hexadecimal digits): each start of
/// the program would begin a new series.
fn is_passing(address: &Endpoint) -> bool {
    let Endpoint::Unix(name) = address else { return false };
    let picked = name.strip_prefix('@').filter(|name| name.len() == 5);
    picked.is_some_and(|name| name.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')))
}
