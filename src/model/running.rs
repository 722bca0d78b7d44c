//! What the running machine showed: its network namespaces, their counters, and every socket that listens there.
//! A record of it reads back, so that what was seen once can be judged again anywhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Endpoint, bound_to};
use crate::text::{HashMap, Span};

/// A look at the running machine, or several over a window of time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Running {
    /// When it was looked at last, in seconds since 1970.
    pub at: u64,
    /// Seconds between the first look and the last; 0 for a single look.
    pub window: f64,
    /// The kernel's release, e.g. `6.1.0-18-amd64`.
    pub release: String,
    /// The one that the audited files are about comes first.
    pub namespaces: Vec<Namespace>,
    /// By namespace and address.
    pub sockets: Vec<Listening>,
    /// What could not be seen, and why: one sentence each, without a full stop.
    pub unseen: Vec<String>,
    /// When audited files that name a backlog were changed last, in seconds since 1970, by their paths in the tree.
    #[serde(default)]
    pub changed: BTreeMap<String, u64>,
    /// The files that programs of no known service seem to be configured by, by the names of the processes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unread: BTreeMap<String, String>,
}

/// What a network namespace belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NamespaceKind {
    /// The one that the program itself stands in.
    Host,
    Container,
    Pod,
    /// A systemd unit with a network of its own.
    Unit,
    /// One that a person or a program made, by name or not.
    Other,
}

/// A network namespace: sysctls and counters of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Namespace {
    /// `host`, the name of a container, pod, unit or of `ip netns`, or `net:[4026532201]`.
    pub name: Arc<str>,
    pub kind: NamespaceKind,
    /// The number that `readlink /proc/PID/ns/net` shows.
    pub inode: u64,
    /// What precedes a command to run it there, such as `ip netns exec blue`; empty for the host.
    pub enter: String,
    /// By key in the spelling with dots; what is not there does not exist in this namespace or could not be read.
    pub sysctls: BTreeMap<String, i64>,
    /// Since the namespace was made.
    pub counters: Counters,
    /// Within the window.
    pub moved: Counters,
}

impl Namespace {
    pub fn sysctl(&self, key: &str) -> Option<i64> {
        self.sysctls.get(key).copied()
    }
}

/// A counter of /proc/net/netstat or /proc/net/snmp that tells of listen queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Counter {
    /// A SYN or a final ACK met a full accept queue.
    ListenOverflows,
    /// A SYN or a final ACK was dropped by a listener, for whatever reason: overflows are among them.
    ListenDrops,
    /// A SYN met a full SYN queue while cookies were off.
    TCPReqQFullDrop,
    /// A SYN met a full SYN queue and was answered by a cookie.
    TCPReqQFullDoCookies,
    SyncookiesSent,
    /// A half-open connection ended by a reset, of either side.
    EmbryonicRsts,
    /// Retransmissions by timer, SYN-ACKs among them.
    TCPTimeouts,
    /// Connections that reached an accept queue.
    PassiveOpens,
}

impl Counter {
    pub const ALL: [Counter; 8] = [
        Counter::ListenOverflows,
        Counter::ListenDrops,
        Counter::TCPReqQFullDrop,
        Counter::TCPReqQFullDoCookies,
        Counter::SyncookiesSent,
        Counter::EmbryonicRsts,
        Counter::TCPTimeouts,
        Counter::PassiveOpens,
    ];

    /// The kernel's name.
    pub fn word(self) -> &'static str {
        match self {
            Counter::ListenOverflows => "ListenOverflows",
            Counter::ListenDrops => "ListenDrops",
            Counter::TCPReqQFullDrop => "TCPReqQFullDrop",
            Counter::TCPReqQFullDoCookies => "TCPReqQFullDoCookies",
            Counter::SyncookiesSent => "SyncookiesSent",
            Counter::EmbryonicRsts => "EmbryonicRsts",
            Counter::TCPTimeouts => "TCPTimeouts",
            Counter::PassiveOpens => "PassiveOpens",
        }
    }

    /// As `nstat` prints it: the group in front.
    pub fn nstat(self) -> String {
        match self {
            Counter::PassiveOpens => "TcpPassiveOpens".to_owned(),
            other => format!("TcpExt{}", other.word()),
        }
    }
}

/// Some counters; one that the kernel does not have is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Counters(pub BTreeMap<Counter, u64>);

impl Counters {
    pub fn get(&self, counter: Counter) -> Option<u64> {
        self.0.get(&counter).copied()
    }

    /// 0 where the kernel does not count it.
    pub fn count(&self, counter: Counter) -> u64 {
        self.get(counter).unwrap_or(0)
    }

    /// By how much each has moved since `before`.
    #[must_use]
    pub fn since(&self, before: &Counters) -> Counters {
        let moved =
            |(counter, now): (&Counter, &u64)| Some((*counter, now.saturating_sub(before.get(*counter)?)));
        Counters(self.0.iter().filter_map(moved).collect())
    }
}

/// A socket that listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Listening {
    /// The name of its namespace.
    pub namespace: Arc<str>,
    pub address: Endpoint,
    /// The interface that it is bound to, as `ss` prints it after a `%`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mptcp: bool,
    /// Send-Q: the accept queue holds one more.
    pub limit: u32,
    /// Recv-Q: connections that wait to be accepted.
    pub queued: u32,
    /// The most that waited at once within the window.
    pub peak: u32,
    /// Its SYN queue; always empty for unix sockets. Sockets that share an address share these numbers.
    #[serde(default)]
    pub half_open: HalfOpen,
    /// SYNs and final ACKs that it dropped since it was opened, of which an ACK that meets a full queue counts twice (measured
    /// on Linux 6.18); the kernel does not count for unix sockets.
    pub drops: Option<u32>,
    /// Within the window.
    pub dropped: Option<u32>,
    pub inode: u32,
    pub uid: u32,
    /// A process that holds it, if one may be seen: the one with the lowest number, but the first of all only where no other does.
    pub owner: Option<Arc<Owner>>,
}

impl Listening {
    /// The address as `ss` prints it, with the interface that it is bound to: `127.0.0.53%lo:53`.
    pub fn bound_to(&self) -> String {
        bound_to(self.address.to_string(), self.interface.as_deref())
    }

    /// Connections that wait at most: the kernel's test is `>` (`sk_acceptq_is_full`, include/net/sock.h).
    pub fn holds(&self) -> u32 {
        self.limit.saturating_add(1)
    }

    /// Whether the next connection is turned away, or was at some moment of the window.
    pub fn is_full(&self) -> bool {
        self.peak.max(self.queued) > self.limit
    }
}

/// Connections whose handshake is not finished (SYN_RECV).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HalfOpen {
    pub count: u32,
    /// Those whose SYN-ACK had to be sent again: nobody has answered it.
    pub retried: u32,
    /// Different addresses that they come from.
    pub peers: u32,
}

/// The process that a socket belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Owner {
    pub pid: u32,
    /// The name that the kernel has for it (`comm`), at most 15 bytes; may hold anything.
    pub name: Arc<str>,
    /// The file that it runs, without its folder, if it may be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<Arc<str>>,
    /// The systemd unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Arc<str>>,
    /// The container, by name or by the start of its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Arc<str>>,
    /// When it started, in seconds since 1970.
    pub started: Option<u64>,
}

/// What the running machine showed, beside what the files say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    pub running: Running,
    /// For each socket of [`Running::sockets`], the listener of [`Host::listeners`](super::Host) that it is, if the files
    /// tell of one.
    pub listeners: Vec<Option<usize>>,
    /// For each socket, its line as `ss` would print it.
    pub lines: Vec<Span>,
    /// For each namespace, its counters as `nstat` would print them.
    pub counters: Vec<BTreeMap<Counter, Span>>,
}

impl Seen {
    /// The sockets of each listener that has some, with their indices.
    pub fn by_listener(&self) -> HashMap<usize, Vec<(usize, &Listening)>> {
        let mut sockets: HashMap<usize, Vec<(usize, &Listening)>> = HashMap::default();
        for ((index, socket), listener) in self.running.sockets.iter().enumerate().zip(&self.listeners) {
            if let Some(listener) = listener {
                sockets.entry(*listener).or_default().push((index, socket));
            }
        }
        sockets
    }

    /// The namespaces by name, each with its index.
    pub fn namespaces(&self) -> HashMap<&str, (usize, &Namespace)> {
        let namespaces = self.running.namespaces.iter().enumerate().rev();
        namespaces.map(|(index, namespace)| (&*namespace.name, (index, namespace))).collect()
    }

    /// The namespace of a socket, with its index.
    pub fn namespace(&self, socket: &Listening) -> Option<(usize, &Namespace)> {
        self.running.namespaces.iter().enumerate().find(|(_, namespace)| namespace.name == socket.namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_as_it_is_written() {
        for text in
            ["0.0.0.0:80", "[::]:80", "[::1]:8080", "*:443", "/run/x.sock", "@abstract", "127.0.0.1:1"]
        {
            let json = serde_json::to_string(text).unwrap();
            let endpoint: Endpoint = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&endpoint).unwrap(), json);
            let unix = text.starts_with(['/', '@']);
            assert_eq!(endpoint.transport() == super::super::Transport::Unix, unix, "{text}");
        }
    }

    #[test]
    fn a_counter_that_is_new_has_not_moved() {
        let counters = |rows: &[(Counter, u64)]| Counters(rows.iter().copied().collect());
        let before = counters(&[(Counter::ListenDrops, 5)]);
        let now = counters(&[(Counter::ListenDrops, 12), (Counter::ListenOverflows, 3)]);
        assert_eq!(now.since(&before), counters(&[(Counter::ListenDrops, 7)]));
    }
}
