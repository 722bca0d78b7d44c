//! Whose a socket is: the processes that hold it, from /proc/PID/fd.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use procfs::process::Process;
use rayon::prelude::*;
use rustix::fs::{CWD, Dir, Mode, OFlags, fstat, openat, readlinkat_raw};
use rustix::io::Errno;

use super::cgroup::{self, Belongs};
use crate::model::Owner;
use crate::text::{HashMap, HashSet};

/// Processes that are looked through at once; after each lot it may turn out that all sockets have their owners.
const LOT: usize = 64;
/// Descriptors that one thread looks at: fewer are not worth a thread.
const SHARE: usize = 512;

/// How long owners are believed. To look for them means all descriptors of all processes.
const BELIEVED: Duration = Duration::from_secs(30);

/// The owners that are known, so that a second look costs little.
#[derive(Debug, Default)]
pub(super) struct Owners {
    known: HashMap<u32, Option<Arc<Owner>>>,
    since: Option<Instant>,
    /// What kept processes from being looked at.
    pub(super) hindered: Hindered,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hindered {
    /// How many belong to others.
    pub(super) denied: usize,
    /// No file could be opened any more.
    pub(super) starved: bool,
}

impl Owners {
    /// Makes the owners of these sockets known.
    pub(super) fn find(&mut self, inodes: impl Iterator<Item = u32>) {
        let all: HashSet<u32> = inodes.filter(|inode| *inode != 0).collect();
        if self.since.is_some_and(|since| since.elapsed() > BELIEVED) {
            self.known.clear();
        }
        self.forget(&all);
        let sought: HashSet<u32> = match self.known.is_empty() {
            true => all,
            false => all.into_iter().filter(|inode| !self.known.contains_key(inode)).collect(),
        };
        if self.known.is_empty() {
            (self.since, self.hindered) = (Some(Instant::now()), Hindered::default());
        }
        if !sought.is_empty() {
            self.seek(sought);
        }
    }

    pub(super) fn of(&self, inode: u32) -> Option<&Arc<Owner>> {
        self.known.get(&inode)?.as_ref()
    }

    /// Forgets sockets and processes that have gone.
    fn forget(&mut self, all: &HashSet<u32>) {
        let pids: HashSet<u32> = self.known.values().flatten().map(|owner| owner.pid).collect();
        let gone = |pid: &u32| !Path::new(&format!("/proc/{pid}")).exists();
        let gone: HashSet<u32> = pids.into_iter().filter(gone).collect();
        self.known.retain(|inode, owner| {
            all.contains(inode) && owner.as_ref().is_none_or(|owner| !gone.contains(&owner.pid))
        });
    }

    fn seek(&mut self, sought: HashSet<u32>) {
        let missing: Vec<u32> = sought.iter().copied().collect();
        let (holders, hindered) = holders(sought);
        let mut pids: Vec<u32> = holders.values().copied().collect();
        pids.sort_unstable();
        pids.dedup();
        let owners: HashMap<u32, Arc<Owner>> =
            pids.into_par_iter().filter_map(|pid| Some((pid, Arc::new(owner(pid)?)))).collect();
        let owner = |inode| holders.get(&inode).and_then(|pid| owners.get(pid)).cloned();
        self.known.extend(missing.into_iter().map(|inode| (inode, owner(inode))));
        self.hindered.denied = self.hindered.denied.max(hindered.denied);
        self.hindered.starved |= hindered.starved;
    }
}

/// All processes by their numbers, but the first of all last: it may hold sockets for the services that it starts.
pub(super) fn pids() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut pids: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable_by_key(|pid| (*pid == 1, *pid));
    pids
}

/// The first process that holds each socket, as far as may be seen.
///
/// Small processes are looked through together, one with thousands of descriptors by itself: the workers of a server hold
/// what their master holds, and need not be looked through once that has answered for all.
fn holders(mut sought: HashSet<u32>) -> (HashMap<u32, u32>, Hindered) {
    let mut holders: HashMap<u32, u32> = HashMap::with_capacity_and_hasher(sought.len(), Default::default());
    let mut hindered = Hindered::default();
    let mut lot: Vec<(u32, Folder)> = Vec::new();
    let mut pids = pids().into_iter().peekable();
    while let Some(pid) = pids.next().filter(|_| !sought.is_empty()) {
        match Folder::open(pid) {
            Err(Errno::ACCESS | Errno::PERM) => hindered.denied += 1,
            Err(Errno::MFILE | Errno::NFILE) => hindered.starved = true,
            Err(_) => {} // it has gone
            Ok(folder) => lot.push((pid, folder)),
        }
        let is_large = lot.last().is_some_and(|(_, folder)| folder.is_large());
        if !is_large && lot.len() < LOT && pids.peek().is_some() {
            continue;
        }
        let large = if is_large { lot.pop() } else { None };
        let mut held: Vec<(u32, Vec<u32>)> =
            lot.par_iter().map(|(pid, folder)| (*pid, folder.held(&sought))).collect();
        lot.clear();
        take(&mut sought, &mut holders, held.drain(..));
        if let Some((pid, folder)) = large.filter(|_| !sought.is_empty()) {
            let inodes = folder.held(&sought);
            take(&mut sought, &mut holders, std::iter::once((pid, inodes)));
        }
    }
    (holders, hindered)
}

/// Notes who holds what; a socket is not sought any more then.
fn take(
    sought: &mut HashSet<u32>,
    holders: &mut HashMap<u32, u32>,
    held: impl Iterator<Item = (u32, Vec<u32>)>,
) {
    for (pid, inodes) in held {
        for inode in inodes {
            if sought.remove(&inode) {
                holders.insert(inode, pid);
            }
        }
    }
}

/// The open descriptors of a process.
struct Folder {
    folder: OwnedFd,
    /// How many they are, if the kernel tells.
    count: Option<usize>,
}

impl Folder {
    fn open(pid: u32) -> rustix::io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = openat(CWD, format!("/proc/{pid}/fd"), flags, Mode::empty())?;
        // Only since Linux 6.2 the folder's size tells (fs/proc/fd.c: proc_fd_getattr).
        let size = fstat(&folder).map_or(0, |stat| stat.st_size);
        let count = usize::try_from(size).ok().filter(|count| *count > 0);
        Ok(Self { folder, count })
    }

    fn is_large(&self) -> bool {
        self.count.is_some_and(|count| count > SHARE)
    }

    /// The sockets among those sought. A process that has gone holds none.
    fn held(&self, sought: &HashSet<u32>) -> Vec<u32> {
        let many = self.count.filter(|count| *count > SHARE);
        many.and_then(|count| self.counted_up(count, sought)).unwrap_or_else(|| self.listed(sought))
    }

    /// Looks at the descriptors one after the other without a list of them, which for thousands costs as much again as a
    /// look. The kernel gives out the lowest free number, so they lie close together; nothing if they do not.
    fn counted_up(&self, count: usize, sought: &HashSet<u32>) -> Option<Vec<u32>> {
        let (mut inodes, mut open, mut next) = (Vec::new(), 0, 0);
        while open < count {
            let end = next + (count - open).max(SHARE);
            if end > 2 * count {
                return None;
            }
            let numbers: Vec<usize> = (next..end).collect();
            let name = |number: &usize| CString::new(number.to_string()).unwrap_or_default();
            let look = |number: &usize| self.look(&name(number), sought);
            let looks: Vec<Look> =
                numbers.par_chunks(SHARE / 4).flat_map_iter(|share| share.iter().map(look)).collect();
            open += looks.iter().filter(|look| !matches!(look, Look::Nothing)).count();
            inodes.extend(looks.into_iter().filter_map(Look::socket));
            next = end;
        }
        Some(inodes)
    }

    fn listed(&self, sought: &HashSet<u32>) -> Vec<u32> {
        let names = Dir::read_from(&self.folder).into_iter().flatten().flatten();
        let names: Vec<CString> = names.map(|entry| entry.file_name().to_owned()).collect();
        let socket = |name: &CString| self.look(name, sought).socket();
        match names.len() {
            0..=SHARE => names.iter().filter_map(socket).collect(),
            _ => names.par_chunks(SHARE).flat_map_iter(|share| share.iter().filter_map(socket)).collect(),
        }
    }

    /// The link of a socket's descriptor reads `socket:[12345]`. It is only read: following it to a file of a server that
    /// does not answer would wait for that.
    fn look(&self, descriptor: &CString, sought: &HashSet<u32>) -> Look {
        let mut buffer = [0; 32];
        let Ok(length) = readlinkat_raw(&self.folder, descriptor, &mut buffer[..]) else {
            return Look::Nothing;
        };
        let inode = buffer.get(..length).and_then(|link| {
            let number = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
            std::str::from_utf8(number).ok()?.parse().ok()
        });
        inode.filter(|inode| sought.contains(inode)).map_or(Look::Other, Look::Socket)
    }
}

/// What is behind a descriptor.
enum Look {
    /// A socket that is sought.
    Socket(u32),
    Other,
    /// It is not open.
    Nothing,
}

impl Look {
    fn socket(self) -> Option<u32> {
        if let Look::Socket(inode) = self { Some(inode) } else { None }
    }
}

/// What there is to know of a process; nothing if it has gone.
fn owner(pid: u32) -> Option<Owner> {
    let process = Process::new(i32::try_from(pid).ok()?).ok()?;
    let stat = process.stat().ok()?;
    let Belongs { unit, container, .. } = belongs(pid);
    let program = process.exe().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into()));
    let started =
        procfs::boot_time_secs().ok().map(|boot| boot + stat.starttime / procfs::ticks_per_second());
    Some(Owner {
        pid,
        name: Arc::from(stat.comm),
        program,
        unit: unit.map(Arc::from),
        container: container.map(Arc::from),
        started,
    })
}

/// What a process belongs to.
pub(super) fn belongs(pid: u32) -> Belongs {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    cgroup::belongs(&text)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_socket_of_ours_is_ours() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let link = std::fs::metadata(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&listener)));
        let inode = u32::try_from(link.unwrap().ino()).unwrap();
        let mut owners = Owners::default();
        owners.find([inode, 1].into_iter());
        assert_eq!(owners.of(inode).unwrap().pid, std::process::id());
        assert_eq!(owners.of(1), None, "nobody holds it");
        drop(listener);
    }
}
