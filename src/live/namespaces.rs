//! Which network namespaces there are, what they are called, and how each is entered: by a thread of its own, so that the rest
//! of the program stays where it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::cgroup::Belongs;
use super::containers;
use super::counters::CounterFiles;
use super::diag::Diag;
use super::owners;
use crate::kernel;
use crate::model::{Counters, Namespace, NamespaceKind, key, shell};

/// Where ip-netns(8) keeps the namespaces that have names.
const NAMED: &str = "/run/netns";
/// include/uapi/linux/magic.h: NSFS_MAGIC. What is left of a name after its namespace has gone is an ordinary file.
const NSFS: u64 = 0x6e73_6673;

const KEYS: [&str; 5] =
    [key::SOMAXCONN, key::MAX_SYN_BACKLOG, key::SYNCOOKIES, key::ABORT_ON_OVERFLOW, key::SYNACK_RETRIES];

/// A namespace with what was opened inside it.
#[derive(Debug)]
pub(super) struct Station {
    pub(super) namespace: Namespace,
    pub(super) diag: Diag,
    pub(super) counters: CounterFiles,
    /// What leads into it; nothing for our own.
    door: Option<Door>,
}

/// What leads into a namespace, and keeps it from vanishing as long as it is open.
#[derive(Debug)]
struct Door {
    file: File,
    way: Way,
}

impl Station {
    /// Our own namespace.
    pub(super) fn here() -> io::Result<Self> {
        let inode = fs::metadata("/proc/self/ns/net").map(|it| it.ino())?;
        let namespace = unread("host", NamespaceKind::Host, inode, String::new());
        let (diag, counters) = (Diag::open()?, CounterFiles::open()?);
        Ok(Self { namespace: Namespace { sysctls: sysctls(), ..namespace }, diag, counters, door: None })
    }

    fn enter(inode: u64, way: Way) -> io::Result<Self> {
        let file = way.open()?;
        let opened = within(&file, || Ok((Diag::open()?, CounterFiles::open()?, sysctls())));
        let (diag, counters, sysctls) = opened?;
        let namespace = Namespace { sysctls, ..way.namespace(inode) };
        Ok(Self { namespace, diag, counters, door: Some(Door { file, way }) })
    }

    /// Whether the way that led here still does; else the namespace may be held by nobody but us.
    pub(super) fn is_led_to(&self) -> bool {
        self.door.as_ref().is_none_or(|door| door.way.leads_to() == Some(self.namespace.inode))
    }

    /// Reads its sysctls anew.
    pub(super) fn refresh(&mut self) {
        self.namespace.sysctls = match &self.door {
            None => sysctls(),
            Some(door) => within(&door.file, || Ok(sysctls())).unwrap_or_default(),
        };
    }
}

/// What is done by a thread inside a namespace; the thread ends there.
fn within<T: Send>(door: &File, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    let inside = || {
        move_into_link_name_space(door.as_fd(), Some(LinkNameSpaceType::Network))?;
        work()
    };
    let outcome = thread::scope(|scope| scope.spawn(inside).join());
    outcome.unwrap_or_else(|_| Err(io::Error::other("the thread inside the namespace ended")))
}

/// The sysctls of the calling thread's namespace.
fn sysctls() -> BTreeMap<String, i64> {
    KEYS.iter().filter_map(|key| Some(((*key).to_owned(), kernel::live::number(key)?))).collect()
}

fn unread(name: &str, kind: NamespaceKind, inode: u64, enter: String) -> Namespace {
    let counters = Counters::default();
    Namespace {
        name: name.into(),
        kind,
        inode,
        enter,
        sysctls: BTreeMap::new(),
        moved: counters.clone(),
        counters,
    }
}

/// The namespaces beside those that are known.
#[derive(Debug, Default)]
pub(super) struct Others {
    pub(super) stations: Vec<Station>,
    /// Those that may not be entered.
    pub(super) closed: usize,
    /// Processes that do not show theirs.
    pub(super) hiding: usize,
    /// Those for which no file could be opened any more.
    pub(super) starved: usize,
    /// All that something leads to, by their inodes.
    pub(super) alive: BTreeSet<u64>,
}

/// Enters the namespaces beside those that are known by their inodes. Ones that have gone meanwhile do not count.
pub(super) fn others(known: &BTreeSet<u64>) -> Others {
    let (ways, hiding) = ways();
    let mut others = Others { alive: ways.keys().copied().collect(), hiding, ..Others::default() };
    for (inode, way) in ways.into_iter().filter(|(inode, _)| !known.contains(inode)) {
        match Station::enter(inode, way) {
            Ok(station) => others.stations.push(station),
            Err(error) if is_starved(&error) => others.starved += 1,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => others.closed += 1,
            Err(_) => {}
        }
    }
    others
}

/// Whether there are too many open files already.
fn is_starved(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

/// How a namespace can be reached.
#[derive(Debug, Default)]
struct Way {
    /// Its name in [`NAMED`].
    name: Option<String>,
    /// The first process inside.
    pid: Option<u32>,
}

impl Way {
    fn open(&self) -> io::Result<File> {
        match (&self.name, self.pid) {
            (Some(name), _) => File::open(Path::new(NAMED).join(name)),
            (None, Some(pid)) => File::open(format!("/proc/{pid}/ns/net")),
            (None, None) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// The inode of the namespace that it leads to now.
    fn leads_to(&self) -> Option<u64> {
        match (&self.name, self.pid) {
            (Some(name), _) => namespace_file(&Path::new(NAMED).join(name)),
            (None, pid) => of_process(pid?).ok()?,
        }
    }

    fn namespace(&self, inode: u64) -> Namespace {
        let Belongs { unit, container, pod } = self.pid.map(owners::belongs).unwrap_or_default();
        let (kind, name) = match (pod, container, &self.name, unit) {
            (Some(pod), ..) => (NamespaceKind::Pod, format!("pod {pod}")),
            (_, Some(id), ..) => (NamespaceKind::Container, containers::name(&id).unwrap_or(id)),
            (_, _, Some(name), _) => (NamespaceKind::Other, name.clone()),
            (_, _, _, Some(unit)) => (NamespaceKind::Unit, unit),
            _ => (NamespaceKind::Other, format!("net:[{inode}]")),
        };
        unread(&name, kind, inode, self.enter())
    }

    /// What precedes a command to run it inside. ip(8) takes no options there, so that a name may begin with a dash.
    fn enter(&self) -> String {
        let named = self.name.as_deref().map(|name| (name, shell::word(name)));
        match (named, self.pid) {
            (Some((_, Some(word))), _) => format!("ip netns exec {word}"),
            (_, Some(pid)) => format!("nsenter -t {pid} -n"),
            (Some((name, None)), None) => shell::comment("in the namespace", name) + ":",
            (None, None) => String::new(),
        }
    }
}

/// Every namespace that a name or a process leads to, by its inode; and how many processes show theirs to root only.
fn ways() -> (BTreeMap<u64, Way>, usize) {
    let mut ways: BTreeMap<u64, Way> = BTreeMap::new();
    for entry in fs::read_dir(NAMED).into_iter().flatten().flatten() {
        let (Some(inode), Ok(name)) = (namespace_file(&entry.path()), entry.file_name().into_string()) else {
            continue;
        };
        ways.entry(inode).or_default().name.get_or_insert(name);
    }
    let mut hiding = 0;
    for pid in owners::pids() {
        match of_process(pid) {
            Ok(inode) => drop(inode.map(|inode| ways.entry(inode).or_default().pid.get_or_insert(pid))),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => hiding += 1,
            Err(_) => {} // it has gone
        }
    }
    (ways, hiding)
}

/// The inode of a namespace that is mounted on a file.
fn namespace_file(path: &Path) -> Option<u64> {
    let kind = rustix::fs::statfs(path).ok()?.f_type;
    if u64::try_from(kind) != Ok(NSFS) {
        return None;
    }
    fs::metadata(path).ok().map(|it| it.ino())
}

/// The link of a process reads `net:[4026531840]`; it may be seen by root and by its own user.
fn of_process(pid: u32) -> io::Result<Option<u64>> {
    let link = fs::read_link(format!("/proc/{pid}/ns/net"))?;
    let inode = |link: &str| link.strip_prefix("net:[")?.strip_suffix(']')?.parse().ok();
    Ok(link.to_str().and_then(inode))
}

/// Gives namespaces of one name different ones; those that are known already, which come first, keep theirs.
pub(super) fn tell_apart(stations: &mut [Station]) {
    let mut taken: BTreeSet<Arc<str>> = BTreeSet::new();
    for station in stations {
        let plain = station.namespace.name.clone();
        let mut nth = 2;
        while !taken.insert(station.namespace.name.clone()) {
            station.namespace.name = format!("{plain} #{nth}").into();
            nth += 1;
        }
    }
}
