//! How full the queues get between two looks: all of them every 100 ms, and every 10 ms those in which something waited within
//! the last second. Where that would cost more than 2% of a core, it is done less often.

use std::thread;
use std::time::{Duration, Instant};

use super::diag::{Ask, Family, Socket};
use super::namespaces::Station;
use crate::model::{Endpoint, Transport};
use crate::text::HashMap;

const ALL: Duration = Duration::from_millis(100);
const HOT: Duration = Duration::from_millis(10);
/// How long a queue is watched closely after something waited in it.
const STAYS_HOT: Duration = Duration::from_secs(1);
/// Each of the two kinds of look may take one part in so many of the time: together 2% of a core.
const SHARE: u32 = 100;

/// Ports that are asked for at once: the jumps of the filter have 16 bits.
const PORTS: usize = 256;

/// A socket by its namespace's inode and its cookie.
pub(super) type Id = (u64, u64);

/// The most that waited at once in each queue in which anything waited.
#[derive(Debug, Default)]
pub(super) struct Peaks {
    most: HashMap<Id, u32>,
    hot: HashMap<Id, (Socket, Instant)>,
}

impl Peaks {
    pub(super) fn of(&self, id: Id) -> u32 {
        self.most.get(&id).copied().unwrap_or(0)
    }

    /// Notes one look at some queues of a namespace.
    pub(super) fn note(&mut self, namespace: u64, sockets: Vec<Socket>, now: Instant) {
        for socket in sockets.into_iter().filter(|socket| socket.queued > 0) {
            let id = (namespace, socket.cookie);
            let most = self.most.entry(id).or_default();
            *most = socket.queued.max(*most);
            self.hot.insert(id, (socket, now));
        }
    }

    fn cool(&mut self, now: Instant) {
        self.hot.retain(|_, (_, seen)| now.duration_since(*seen) < STAYS_HOT);
    }
}

/// Looks again and again until the time has come.
pub(super) fn sample(stations: &mut [Station], peaks: &mut Peaks, until: Instant) {
    let (mut all_at, mut hot_at) = (Instant::now(), Instant::now());
    loop {
        let now = Instant::now();
        if now >= until {
            return;
        }
        if now >= all_at {
            stations.iter_mut().for_each(|station| look_at_all(station, peaks, now));
            all_at = next(now, ALL);
            hot_at = now + HOT;
        } else if now >= hot_at {
            peaks.cool(now);
            stations.iter_mut().for_each(|station| look_at_hot(station, peaks, now));
            hot_at = next(now, HOT);
        }
        let next = if peaks.hot.is_empty() { all_at } else { all_at.min(hot_at) };
        thread::sleep(next.min(until).saturating_duration_since(Instant::now()));
    }
}

/// When to look again, after a look that began at `began`.
pub(super) fn next(began: Instant, every: Duration) -> Instant {
    began + every.max(began.elapsed() * SHARE)
}

fn look_at_all(station: &mut Station, peaks: &mut Peaks, now: Instant) {
    // A look that fails shows nothing; the one that ends the window says why.
    for sockets in [station.diag.tcp(Ask::Queues), station.diag.unix()] {
        peaks.note(station.namespace.inode, sockets.unwrap_or_default(), now);
    }
}

fn look_at_hot(station: &mut Station, peaks: &mut Peaks, now: Instant) {
    let inode = station.namespace.inode;
    let here = peaks.hot.iter().filter(|((namespace, _), _)| *namespace == inode);
    let hot: Vec<Socket> = here.map(|(_, (socket, _))| socket.clone()).collect();
    for family in Family::BOTH {
        let mut ports: Vec<u16> = hot.iter().filter_map(|socket| port(socket, family)).collect();
        ports.sort_unstable();
        ports.dedup();
        for ports in ports.chunks(PORTS) {
            let sockets = station.diag.tcp_on(family, ports);
            peaks.note(inode, sockets.unwrap_or_default(), now);
        }
    }
    for mut socket in hot.into_iter().filter(|socket| socket.address.transport() == Transport::Unix) {
        socket.queued = station.diag.unix_queue(&socket).unwrap_or(0);
        peaks.note(inode, vec![socket], now);
    }
}

/// The port of a socket of this family.
fn port(socket: &Socket, family: Family) -> Option<u16> {
    let of = match &socket.address {
        Endpoint::Tcp(address) if address.is_ipv4() => Family::V4,
        Endpoint::Tcp(_) | Endpoint::DualStack(_) => Family::V6,
        _ => return None,
    };
    (of == family).then(|| socket.address.port()).flatten()
}
