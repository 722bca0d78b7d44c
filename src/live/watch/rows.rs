//! The rows: sockets that share an address together, with what an operator wants to know of them.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::model::{Endpoint, HalfOpen, Listening, Owner, Seen, Transport};
use crate::report::{Report, inline};
use crate::text::HashMap;

/// What tells a row from all others, look after look.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    namespace: Arc<str>,
    address: Endpoint,
    interface: Option<String>,
    /// The socket, where the address alone does not tell: a path may have been bound again.
    inode: Option<u32>,
}

impl Key {
    fn of(socket: &Listening) -> Self {
        let unix = socket.address.transport() == Transport::Unix;
        Self {
            namespace: socket.namespace.clone(),
            address: socket.address.clone(),
            interface: socket.interface.clone(),
            inode: unix.then_some(socket.inode),
        }
    }

    /// By port first: an operator looks for `:443`, not for `0.0.0.0`.
    pub(super) fn cmp_address(&self, other: &Self) -> Ordering {
        let port = |key: &Self| key.address.port().map_or(u32::MAX, u32::from);
        port(self).cmp(&port(other)).then_with(|| self.cmp(other))
    }
}

/// A listener. Texts are harmless already.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) key: Key,
    /// Its sockets by their indices, the fullest first: each has a queue of its own (SO_REUSEPORT).
    pub(super) sockets: Vec<usize>,
    pub(super) address: String,
    pub(super) namespace: String,
    /// The service that the files tell of, or else the program.
    pub(super) service: String,
    /// The container, the unit or the process.
    pub(super) owner: String,
    /// Of the fullest socket: it turns clients away even where its siblings have room.
    pub(super) queued: u32,
    pub(super) peak: u32,
    pub(super) limit: u32,
    /// A second, of all its sockets; the kernel does not count for unix sockets, and one look is no window.
    pub(super) dropped: Option<f64>,
    pub(super) half_open: HalfOpen,
    /// What the filter looks at, in lower case.
    words: String,
}

impl Row {
    /// The address, with the number of sockets that share it.
    pub(super) fn label(&self) -> String {
        match self.sockets.len() {
            0 | 1 => self.address.clone(),
            count => format!("{} x{count}", self.address),
        }
    }

    pub(super) fn holds(&self) -> u32 {
        self.limit.saturating_add(1)
    }

    /// How full the queue was at its fullest moment of the window, from 0 to 1.
    pub(super) fn fullness(&self) -> f64 {
        share(self.peak.max(self.queued), self.holds())
    }

    pub(super) fn is_full(&self) -> bool {
        self.peak.max(self.queued) > self.limit
    }

    pub(super) fn is_dropping(&self) -> bool {
        self.dropped.is_some_and(|rate| rate > 0.0)
    }

    pub(super) fn is_unix(&self) -> bool {
        self.key.address.transport() == Transport::Unix
    }

    /// Whether all words of a filter stand somewhere in what is known of the row.
    pub(super) fn matches(&self, filter: &str) -> bool {
        filter.to_lowercase().split_whitespace().all(|word| self.words.contains(word))
    }
}

/// A part of a whole, from 0 to 1.
pub(super) fn share(part: u32, whole: u32) -> f64 {
    (f64::from(part) / f64::from(whole.max(1))).min(1.0)
}

/// The rows of a report, in the order in which their first sockets were seen.
pub(super) fn rows(report: &Report) -> Vec<Row> {
    let Some(seen) = &report.seen else { return Vec::new() };
    let mut groups: Vec<(Key, Vec<usize>)> = Vec::new();
    let mut known: HashMap<Key, usize> = HashMap::default();
    for (index, socket) in seen.running.sockets.iter().enumerate() {
        let key = Key::of(socket);
        match known.get(&key).and_then(|at| groups.get_mut(*at)) {
            Some((_, sockets)) => sockets.push(index),
            None => {
                known.insert(key.clone(), groups.len());
                groups.push((key, vec![index]));
            }
        }
    }
    groups.into_iter().filter_map(|(key, sockets)| row(report, seen, key, sockets)).collect()
}

fn row(report: &Report, seen: &Seen, key: Key, mut sockets: Vec<usize>) -> Option<Row> {
    let all = &seen.running.sockets;
    let fullness =
        |index: &usize| all.get(*index).map_or(0.0, |it| share(it.peak.max(it.queued), it.holds()));
    sockets.sort_by(|a, b| fullness(b).total_cmp(&fullness(a)));
    let fullest = all.get(*sockets.first()?)?;
    let every: Vec<&Listening> = sockets.iter().filter_map(|index| all.get(*index)).collect();
    let service = service(report, seen, &sockets, fullest);
    let owner = fullest.owner.as_deref().map_or_else(|| "?".to_owned(), owner);
    let (address, namespace) = (self::address(fullest), inline(&fullest.namespace));
    let process = fullest.owner.as_deref().map_or_else(String::new, process);
    let words = [&address, &namespace, &service, &owner, &process].map(|word| word.to_lowercase()).join(" ");
    Some(Row {
        address,
        namespace,
        service,
        owner,
        queued: fullest.queued,
        peak: fullest.peak,
        limit: fullest.limit,
        dropped: dropped(&every, seen.running.window),
        half_open: every.iter().map(|it| it.half_open).max_by_key(|it| it.count).unwrap_or_default(),
        words,
        key,
        sockets,
    })
}

fn service(report: &Report, seen: &Seen, sockets: &[usize], fullest: &Listening) -> String {
    let known = sockets.iter().find_map(|index| *seen.listeners.get(*index)?);
    let listener = known.and_then(|index| report.host.listeners.get(index));
    let owner = fullest.owner.as_ref();
    match (listener, owner) {
        (Some(listener), _) => inline(&listener.service),
        (None, Some(owner)) => inline(owner.program.as_ref().unwrap_or(&owner.name)),
        (None, None) => "?".to_owned(),
    }
}

/// The widest thing that holds the process: what is restarted.
fn owner(owner: &Owner) -> String {
    match (&owner.container, &owner.unit) {
        (Some(container), _) => inline(container),
        (None, Some(unit)) => inline(unit),
        (None, None) => format!("pid {}", owner.pid),
    }
}

/// All names that a process goes by.
fn process(owner: &Owner) -> String {
    let names = [Some(&owner.name), owner.program.as_ref(), owner.unit.as_ref(), owner.container.as_ref()];
    let names: Vec<String> = names.into_iter().flatten().map(|name| inline(name)).collect();
    format!("{} {}", names.join(" "), owner.pid)
}

/// As `ss` prints it.
pub(super) fn address(socket: &Listening) -> String {
    inline(&socket.bound_to())
}

fn dropped(sockets: &[&Listening], window: f64) -> Option<f64> {
    let counts: Vec<u32> = sockets.iter().filter_map(|socket| socket.dropped).collect();
    let total: u64 = counts.iter().copied().map(u64::from).sum();
    (window > 0.0 && !counts.is_empty()).then(|| super::words::rate(total, window))
}
