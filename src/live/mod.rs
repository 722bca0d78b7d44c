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

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::kernel;
use crate::model::{Counters, Endpoint, HalfOpen, Listening, Running, Transport, Version};
use crate::text::HashMap;
use diag::{Ask, Socket};
use namespaces::Station;
use owners::{Hindered, Owners};
use sample::{Id, Peaks};

/// Half-open connections are counted once a second: the kernel looks through all connections for them.
const SECOND: Duration = Duration::from_secs(1);

/// `sock_prot_inuse` counts MPTCP sockets from here ("mptcp: add statistics for mptcp socket in use", January 2023).
const COUNTS_MPTCP: Version = Version::new(6, 3, 0);

/// The machine that we run on, ready to be looked at again and again.
#[derive(Debug)]
pub struct Machine {
    stations: Vec<Station>,
    owners: Owners,
    /// Namespaces that may not be entered, and those for which no file could be opened.
    closed: usize,
    /// Processes that do not show their network namespace.
    hiding: usize,
    starved: usize,
    /// Whether the kernel says how many MPTCP sockets there are.
    counts_mptcp: bool,
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
        allow_files();
        let version = kernel::live::release().and_then(|release| kernel::version::parse(&release));
        let mut machine = Self {
            stations: vec![Station::here()?],
            owners: Owners::default(),
            closed: 0,
            hiding: 0,
            starved: 0,
            counts_mptcp: version.is_some_and(|version| version >= COUNTS_MPTCP),
            before: None,
        };
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
        let (mut peaks, mut half_open) = (Peaks::default(), HashMap::default());
        let (mut now, mut count_at) = (Instant::now(), Instant::now());
        let until = now + window;
        if now < until && self.stations.len() == 1 {
            self.find_namespaces();
        }
        while now < until {
            if now >= count_at {
                self.count_half_open(&mut half_open);
                count_at = sample::next(now, SECOND);
            }
            if !self.stations.iter().all(Station::is_led_to) {
                self.find_namespaces();
            }
            sample::sample(&mut self.stations, &mut peaks, until.min(now + SECOND));
            now = Instant::now();
        }
        self.find_namespaces();
        let found = self.find()?;
        self.count_half_open(&mut half_open);
        let now = moment(&self.stations, &found);
        let running = self.running(found, before.as_ref().map(|before| (before, &now)), &peaks, &half_open);
        self.before = Some(now);
        Ok(running)
    }

    /// Lets go of all namespaces but our own until the next look: while we hold one it cannot vanish, and what lives in it,
    /// such as an interface, cannot come back to the host.
    pub fn rest(&mut self) {
        self.stations.truncate(1);
    }

    /// Takes in namespaces that are new, and lets go those that nothing leads to any more.
    fn find_namespaces(&mut self) {
        let known: BTreeSet<u64> = self.stations.iter().map(|station| station.namespace.inode).collect();
        let others = namespaces::others(&known);
        let mut index = 0..;
        self.stations
            .retain(|station| index.next() == Some(0) || others.alive.contains(&station.namespace.inode));
        self.stations.extend(others.stations);
        (self.closed, self.hiding, self.starved) = (others.closed, others.hiding, others.starved);
        namespaces::tell_apart(&mut self.stations);
    }

    /// What is in each namespace. One that cannot be asked is left; without our own there is nothing to tell.
    fn find(&mut self) -> io::Result<Vec<Found>> {
        let (mut all, mut failed, mut index) = (Vec::new(), None, 0..);
        let counts_mptcp = self.counts_mptcp;
        self.stations.retain_mut(|station| match (find(station, counts_mptcp), index.next()) {
            (Ok(found), _) => {
                all.push(found);
                true
            }
            (Err(error), Some(0)) => {
                failed = Some(error);
                true
            }
            (Err(_), _) => false,
        });
        failed.map_or(Ok(all), Err)
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
        self.owners.find(inodes);
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
                let dropped = moments.filter(|(before, _)| before.counters.contains_key(&id.0)).and_then(
                    |(before, _)| {
                        Some(socket.drops?.wrapping_sub(before.drops.get(&id).copied().unwrap_or(0)))
                    },
                );
                let listening = Listening {
                    peak: peaks.of(id).max(socket.queued),
                    dropped,
                    half_open: queues,
                    ..self::listening(station, socket)
                };
                sockets.push(Listening { owner: self.owners.of(listening.inode).cloned(), ..listening });
            }
        }
        let unseen = self.unseen(&sockets);
        Running {
            at: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            window: moments.map_or(0.0, |(before, now)| now.at.duration_since(before.at).as_secs_f64()),
            release: kernel::live::release().unwrap_or_default(),
            namespaces: self.stations.iter().map(|station| station.namespace.clone()).collect(),
            sockets,
            unseen,
            ..Running::default()
        }
    }

    /// What could not be seen, and what would show it.
    fn unseen(&self, sockets: &[Listening]) -> Vec<String> {
        let mut unseen = Vec::new();
        let Hindered { denied, starved } = self.owners.hindered;
        let unowned = sockets.iter().filter(|socket| socket.owner.is_none()).count();
        // With hidepid=2 the processes of others are not even counted (proc(5)).
        let hidden = !rustix::process::geteuid().is_root() && !Path::new("/proc/1").exists();
        if hidden && unowned > 0 {
            unseen.push(format!(
                "the owners of {} (only root can see the processes of other users)",
                counted(unowned, "socket")
            ));
        } else if denied > 0 && unowned > 0 {
            unseen.push(format!(
                "the owners of {} (only root can see what {} of other users hold)",
                counted(unowned, "socket"),
                counted(denied, "process")
            ));
        }
        if starved || self.starved > 0 {
            unseen.push(
                "some namespaces and owners, because of too many open files (raise ulimit -n or LimitNOFILE=)"
                    .to_owned(),
            );
        }
        match self.closed {
            0 if hidden => unseen.push("other network namespaces (only root can look for them)".to_owned()),
            0 if self.hiding > 0 => unseen.push(format!(
                "the network namespaces of {} (only root can see them)",
                counted(self.hiding, "process")
            )),
            0 => {}
            1 => unseen.push("1 network namespace (only root can enter it)".to_owned()),
            count => unseen.push(format!("{count} network namespaces (only root can enter them)")),
        }
        unseen
    }
}

fn counted(count: usize, thing: &str) -> String {
    let more = if thing.ends_with('s') { "es" } else { "s" };
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}{more}") }
}

/// Five files are open for each namespace: as many as this process may ever have are asked for.
fn allow_files() {
    let limit = getrlimit(Resource::Nofile);
    // Where it is not granted, what it costs is told.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

fn find(station: &mut Station, counts_mptcp: bool) -> io::Result<Found> {
    station.refresh();
    let mut sockets = station.diag.tcp(Ask::Everything)?;
    if station.counters.has_mptcp(counts_mptcp) {
        sockets.extend(station.diag.mptcp());
    }
    // A kernel may lack unix_diag: then it has no unix listeners to show.
    sockets.extend(station.diag.unix().unwrap_or_default());
    Ok(Found { sockets, counters: station.counters.read()? })
}

fn moment(stations: &[Station], found: &[Found]) -> Moment {
    let mut moment = Moment { at: Instant::now(), counters: HashMap::default(), drops: HashMap::default() };
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
    let by_inode: HashMap<u32, usize> =
        rest.iter().enumerate().map(|(index, socket)| (socket.inode, index)).collect();
    for socket in above {
        let free = |it: &Socket| !it.mptcp && it.address == socket.address;
        let same = by_inode.get(&socket.inode).copied().filter(|index| rest.get(*index).is_some_and(free));
        let unheld = || rest.iter().position(|it| free(it) && owners.of(it.inode).is_none());
        match same.or_else(unheld).and_then(|index| rest.get_mut(index)) {
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
