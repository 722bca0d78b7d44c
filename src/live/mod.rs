//! The running machine: every socket that listens, whose it is, and the counters and sysctls of its network namespace.
//! It only reads: nothing is written, no socket is connected to, no process is signalled.

mod bytes;
mod cgroup;
mod containers;
mod counters;
mod diag;
mod half_open;
mod namespaces;
mod owners;
mod sample;
pub mod watch;

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::model::{Counters, Endpoint, HalfOpen, Listening, Running, Transport};
use diag::{Ask, Socket};
use namespaces::Station;
use owners::Owners;
use sample::{Id, Peaks};

/// Half-open connections are counted once a second: the kernel looks through all connections for them.
const SECOND: Duration = Duration::from_secs(1);

/// The machine that we run on, ready to be looked at again and again.
#[derive(Debug)]
pub struct Machine {
    stations: Vec<Station>,
    owners: Owners,
    /// Namespaces that may not be entered.
    closed: usize,
    before: Option<Moment>,
}

/// What moves, at one moment.
#[derive(Debug)]
struct Moment {
    at: Instant,
    counters: HashMap<u64, Counters>,
    drops: HashMap<Id, u32>,
}

/// What one look found in one namespace.
struct Found {
    sockets: Vec<Socket>,
    counters: Counters,
}

impl Machine {
    /// Opens what is needed in every network namespace that may be entered.
    ///
    /// # Errors
    /// If the kernel does not tell of sockets at all.
    pub fn open() -> io::Result<Self> {
        let here = Station::here()?;
        let mut machine = Self { stations: vec![here], owners: Owners::default(), closed: 0, before: None };
        machine.find_namespaces();
        Ok(machine)
    }

    /// Looks at everything at the end of a window of time, and at the lengths of the queues all through it. The window begins
    /// with the last look, or now.
    pub fn look(&mut self, window: Duration) -> io::Result<Running> {
        let before = match (self.before.take(), window.is_zero()) {
            (Some(before), _) => Some(before),
            (None, false) => Some(self.moment()?),
            (None, true) => None,
        };
        let (mut peaks, mut half_open) = (Peaks::default(), HashMap::new());
        let until = Instant::now() + window;
        while Instant::now() < until {
            self.count_half_open(&mut half_open);
            let pause = until.min(Instant::now() + SECOND);
            sample::sample(&mut self.stations, &mut peaks, pause);
        }
        self.find_namespaces();
        let found = self.find()?;
        self.count_half_open(&mut half_open);
        let now = moment(&self.stations, &found);
        let running = self.running(found, before.as_ref().map(|before| (before, &now)), &peaks, &half_open);
        self.before = Some(now);
        Ok(running)
    }

    /// Takes in namespaces that are new, and lets go those that nothing leads to any more: they could not vanish while we
    /// hold them.
    fn find_namespaces(&mut self) {
        let known: BTreeSet<u64> = self.stations.iter().map(|station| station.namespace.inode).collect();
        let (new, closed, alive) = namespaces::others(&known);
        let mut index = 0..;
        self.stations.retain(|station| index.next() == Some(0) || alive.contains(&station.namespace.inode));
        self.stations.extend(new);
        self.closed = closed;
        namespaces::tell_apart(&mut self.stations);
    }

    fn find(&mut self) -> io::Result<Vec<Found>> {
        self.stations.iter_mut().map(find).collect()
    }

    fn moment(&mut self) -> io::Result<Moment> {
        let found = self.find()?;
        Ok(moment(&self.stations, &found))
    }

    /// Keeps the largest number of half-open connections that each listener had.
    fn count_half_open(&mut self, most: &mut HashMap<(u64, Endpoint), HalfOpen>) {
        for station in &mut self.stations {
            let Ok(all) = station.diag.half_open() else { continue };
            if all.is_empty() {
                continue;
            }
            let sockets = station.diag.tcp(Ask::Queues).unwrap_or_default();
            for (endpoint, now) in half_open::by_listener(&sockets, &all) {
                let known = most.entry((station.namespace.inode, endpoint)).or_default();
                if now.count >= known.count {
                    *known = now;
                }
            }
        }
    }

    fn running(
        &mut self,
        found: Vec<Found>,
        moments: Option<(&Moment, &Moment)>,
        peaks: &Peaks,
        half_open: &HashMap<(u64, Endpoint), HalfOpen>,
    ) -> Running {
        let inodes = found.iter().flat_map(|found| found.sockets.iter().map(|socket| socket.inode));
        let denied = self.owners.find(inodes);
        let mut sockets = Vec::new();
        for (station, found) in self.stations.iter_mut().zip(found) {
            let moved = moments.and_then(|(before, _)| before.counters.get(&station.namespace.inode));
            station.namespace.moved =
                moved.map_or(Counters::default(), |before| found.counters.since(before));
            station.namespace.counters = found.counters;
            let mut here = join_mptcp(found.sockets, &self.owners);
            here.sort_unstable_by(|a, b| order(a).cmp(&order(b)));
            for socket in here {
                let id = (station.namespace.inode, socket.cookie);
                let queues = match half_open.is_empty() {
                    true => HalfOpen::default(),
                    false => half_open.get(&(id.0, socket.address.clone())).copied().unwrap_or_default(),
                };
                let dropped = moments.and_then(|(before, _)| {
                    Some(socket.drops?.wrapping_sub(before.drops.get(&id).copied().unwrap_or(0)))
                });
                let listening = Listening {
                    peak: peaks.of(id).max(socket.queued),
                    dropped,
                    half_open: queues,
                    ..self::listening(station, socket)
                };
                sockets.push(Listening { owner: self.owners.of(listening.inode).cloned(), ..listening });
            }
        }
        Running {
            at: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            window: moments.map_or(0.0, |(before, now)| now.at.duration_since(before.at).as_secs_f64()),
            release: crate::kernel::live::release().unwrap_or_default(),
            namespaces: self.stations.iter().map(|station| station.namespace.clone()).collect(),
            sockets,
            unseen: self.unseen(denied),
            ..Running::default()
        }
    }

    /// What could not be seen, and what would show it.
    fn unseen(&self, denied: bool) -> Vec<String> {
        let mut unseen = Vec::new();
        if denied {
            unseen.push(
                "the owners of some sockets: processes of other users show them to root only".to_owned(),
            );
        }
        match self.closed {
            0 if denied => unseen.push("other network namespaces: only root may look for them".to_owned()),
            0 => {}
            1 => unseen.push("1 network namespace: only root may enter it".to_owned()),
            count => unseen.push(format!("{count} network namespaces: only root may enter them")),
        }
        unseen
    }
}

fn find(station: &mut Station) -> io::Result<Found> {
    station.refresh();
    let mut sockets = station.diag.tcp(Ask::Everything)?;
    if station.counters.has_mptcp() {
        sockets.extend(station.diag.mptcp());
    }
    // A kernel may lack unix_diag: then it has no unix listeners to show.
    sockets.extend(station.diag.unix().unwrap_or_default());
    Ok(Found { sockets, counters: station.counters.read()? })
}

fn moment(stations: &[Station], found: &[Found]) -> Moment {
    let mut moment = Moment { at: Instant::now(), counters: HashMap::new(), drops: HashMap::new() };
    for (station, found) in stations.iter().zip(found) {
        let inode = station.namespace.inode;
        moment.counters.insert(inode, found.counters.clone());
        let drops =
            |socket: &Socket| Some(((inode, socket.cookie), socket.drops.filter(|drops| *drops > 0)?));
        moment.drops.extend(found.sockets.iter().filter_map(drops));
    }
    moment
}

/// An MPTCP listener appears twice: as itself, and as the TCP listener below it, which counts the drops. Both have one inode
/// (net/mptcp/subflow.c: mptcp_subflow_create_socket), or nobody holds the lower one. One is left of them.
fn join_mptcp(sockets: Vec<Socket>, owners: &Owners) -> Vec<Socket> {
    let (above, mut rest): (Vec<Socket>, Vec<Socket>) = sockets.into_iter().partition(|socket| socket.mptcp);
    for socket in above {
        let below = |it: &&mut Socket| {
            let same = it.inode == socket.inode || owners.of(it.inode).is_none();
            same && !it.mptcp && it.address == socket.address
        };
        match rest.iter_mut().find(below) {
            Some(below) => {
                (below.mptcp, below.inode, below.uid) = (true, socket.inode, socket.uid);
                (below.queued, below.limit) = (socket.queued.max(below.queued), socket.limit);
            }
            None => rest.push(socket),
        }
    }
    rest
}

/// TCP before unix, then by address.
fn order(socket: &Socket) -> (Transport, &Endpoint, u32) {
    (socket.address.transport(), &socket.address, socket.inode)
}

fn listening(station: &Station, socket: Socket) -> Listening {
    let interface = (socket.interface != 0).then(|| station.diag.interface(socket.interface)).flatten();
    Listening {
        namespace: station.namespace.name.clone(),
        interface,
        mptcp: socket.mptcp,
        limit: socket.limit,
        queued: socket.queued,
        peak: socket.queued,
        half_open: HalfOpen::default(),
        drops: socket.drops.filter(|_| socket.address.transport() == Transport::Tcp),
        dropped: None,
        inode: socket.inode,
        uid: socket.uid,
        owner: None,
        address: socket.address,
    }
}
