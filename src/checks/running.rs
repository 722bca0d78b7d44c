//! What checks of the running machine share: the sockets in a rule's scope, how messages name them, what to do about them.

use super::facts::{Facts, Socket};
use crate::kernel::{listen, version};
use crate::model::{Counter, Finding, Listening, Namespace, Owner, PlaceId, SynQueue, Transport, key};
use crate::text::Span;

/// A socket that listens, and the listener of the files that it is, if they tell of one.
#[derive(Clone, Copy)]
pub(super) struct Live<'a> {
    /// In [`Running::sockets`](crate::model::Running).
    pub(super) index: usize,
    pub(super) socket: &'a Listening,
    pub(super) namespace: &'a Namespace,
    pub(super) listener: Option<Socket<'a>>,
    /// Its line as `ss` prints it.
    pub(super) at: Span,
}

impl<'a> Facts<'a> {
    /// The running sockets in the rule's scope.
    pub(super) fn running(&self) -> Vec<Live<'a>> {
        let Some(seen) = self.seen else { return Vec::new() };
        let namespaces = seen.namespaces();
        let live = |(index, socket): (usize, &'a Listening)| {
            let joined = seen.listeners.get(index).copied().flatten();
            let listener = joined.map(|joined| self.socket(joined));
            let in_scope = listener.map_or(self.covers_unknown, |listener| listener.is_some());
            let (_, namespace) = *namespaces.get(&*socket.namespace).filter(|_| in_scope)?;
            let at = *seen.lines.get(index)?;
            Some(Live { index, socket, namespace, listener: listener.flatten(), at })
        };
        seen.running.sockets.iter().enumerate().filter_map(live).collect()
    }

    /// A listener in the rule's scope: they are in the order of their indices.
    fn socket(&self, index: usize) -> Option<Socket<'a>> {
        let at = self.sockets.binary_search_by_key(&index, |socket| socket.index).ok()?;
        self.sockets.get(at).copied()
    }

    /// The seconds within which things moved.
    pub(super) fn window(&self) -> f64 {
        self.seen.map_or(0.0, |seen| seen.running.window)
    }

    /// The place of a counter of a namespace.
    pub(super) fn counter_at(&self, namespace: &Namespace, counter: Counter) -> Option<Span> {
        let seen = self.seen?;
        let nth = seen.running.namespaces.iter().position(|it| it.name == namespace.name)?;
        seen.counters.get(nth)?.get(&counter).copied()
    }
}

impl<'a> Live<'a> {
    /// A finding about the running socket.
    pub(super) fn finding(&self, facts: &Facts<'a>, message: String) -> Finding {
        let place = self.listener.map_or(PlaceId::default(), |socket| socket.listener.place);
        let listener = self.listener.map(|socket| socket.index);
        Finding { listener, ..facts.finding(place, self.at, message) }
    }

    /// Says what it asks for, where a file tells of it.
    pub(super) fn label_asked(&self, facts: &Facts<'a>, finding: Finding) -> Finding {
        match &self.listener {
            Some(socket) => facts.label_asked(finding, socket),
            None => finding,
        }
    }

    /// `nginx on 0.0.0.0:80`; what no file tells of goes by its process.
    pub(super) fn name(&self, facts: &Facts<'a>) -> String {
        let address = self.socket.bound_to();
        let name = match (self.listener, &self.socket.owner) {
            (Some(socket), _) => facts.name(&socket),
            (None, Some(owner)) => format!("{} ({}) on {address}", owner.name, owner.pid),
            (None, None) => format!("the listener on {address}"),
        };
        format!("{name}{}", self.elsewhere())
    }

    /// ` in blue`, where it is another namespace than the host's.
    fn elsewhere(&self) -> String {
        let namespace = self.namespace;
        if namespace.enter.is_empty() { String::new() } else { format!(" in {}", namespace.name) }
    }

    pub(super) fn is_unix(&self) -> bool {
        self.socket.address.transport() == Transport::Unix
    }

    /// The most that waited at once.
    pub(super) fn most(&self) -> u32 {
        self.socket.peak.max(self.socket.queued)
    }

    pub(super) fn moved(&self, counter: Counter) -> u64 {
        self.namespace.moved.count(counter)
    }

    pub(super) fn somaxconn(&self) -> Option<i64> {
        self.namespace.sysctl(key::SOMAXCONN)
    }

    pub(super) fn has_cookies(&self) -> bool {
        self.namespace.sysctl(key::SYNCOOKIES) != Some(0)
    }

    /// The SYN queue that the kernel gives it.
    pub(super) fn syn_queue(&self, facts: &Facts<'_>) -> SynQueue {
        let Some(version) = facts.seen.and_then(|seen| version::parse(&seen.running.release)) else {
            return SynQueue::default();
        };
        let most = self.namespace.sysctl(key::MAX_SYN_BACKLOG);
        let cookies = self.namespace.sysctl(key::SYNCOOKIES).unwrap_or(1);
        listen::syn_queue(version, self.socket.limit.into(), most, cookies)
    }

    /// Whether another socket takes connections for the same: it shares the address by SO_REUSEPORT.
    pub(super) fn shares_with(&self, other: &Live<'_>) -> bool {
        let (one, other) = (self.socket, other.socket);
        one.address == other.address && one.interface == other.interface && one.namespace == other.namespace
    }

    /// Which number makes its queue as long as it is, for a reader who wants it longer.
    pub(super) fn knob(&self, facts: &Facts<'a>) -> String {
        let by_somaxconn = self.somaxconn() == Some(self.socket.limit.into());
        match self.listener {
            _ if by_somaxconn => "net.core.somaxconn limits it".to_owned(),
            Some(socket) => {
                format!("the backlog in {} limits it", facts.line(facts.asked_at(&socket)))
            }
            None => "the program's own backlog limits it".to_owned(),
        }
    }

    /// Which number makes its SYN queue as short as it is.
    pub(super) fn syn_knob(&self, facts: &Facts<'a>) -> String {
        let limit = |cookies| {
            let version = facts.seen.and_then(|seen| version::parse(&seen.running.release))?;
            let most = self.namespace.sysctl(key::MAX_SYN_BACKLOG);
            listen::syn_queue(version, self.socket.limit.into(), most, cookies).limit
        };
        // Only without cookies does it count (the 3/4 rule of tcp_conn_request).
        match self.syn_queue(facts).limit < limit(1) {
            true => "net.ipv4.tcp_max_syn_backlog limits it, because cookies are off".to_owned(),
            false => self.knob(facts),
        }
    }

    pub(super) fn owner(&self) -> Option<&'a Owner> {
        self.socket.owner.as_deref()
    }

    /// A command that shows what its program is busy with: all processes of the name, because the one that opened a socket is
    /// often not the one that accepts from it.
    pub(super) fn top(&self) -> Option<String> {
        let owner = self.owner()?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        Some(match !owner.name.is_empty() && owner.name.chars().all(plain) {
            true => format!("top -H -p $(pgrep -d, -x {})", owner.name),
            false => format!("top -H -p {}", owner.pid),
        })
    }
}

/// `1 connection`, `2 connections`.
pub(super) fn counted(count: impl Into<u64>, thing: &str) -> String {
    match count.into() {
        1 => format!("1 {thing}"),
        count => format!("{count} {thing}s"),
    }
}

/// How often something happens, for people: `42 a second`, `3 in 10 s`; without a length of time that says something, the
/// bare number.
pub(super) fn rate(count: u64, window: f64) -> String {
    let per_second = count as f64 / window.max(0.001);
    match per_second {
        _ if window < 1.0 => format!("{count} during the measurement"),
        fast if fast >= 10.0 => format!("{fast:.0} a second"),
        some if some >= 1.0 => format!("{some:.1} a second"),
        _ => format!("{count} in {window:.0} s"),
    }
}

/// By how much something has moved, as the label beside a counter.
pub(super) fn moved_by(count: u64, window: f64) -> String {
    if window < 1.0 { format!("rose by {count}") } else { format!("rose by {count} in {window:.1} s") }
}
