//! Whose a socket is: the processes that hold it, from /proc/PID/fd.

use std::collections::{HashMap, HashSet};
use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use procfs::process::Process;
use rayon::prelude::*;
use rustix::fs::{CWD, Dir, Mode, OFlags, openat, readlinkat_raw};

use super::cgroup::{self, Belongs};
use crate::model::Owner;

/// Processes that are looked through at once; after each lot it may turn out that all sockets have their owners.
const LOT: usize = 64;
/// Descriptors that one thread looks at: fewer are not worth a thread.
const SHARE: usize = 512;

/// The owners that are known, so that a second look costs little.
#[derive(Debug, Default)]
pub(super) struct Owners {
    known: HashMap<u32, Option<Owner>>,
}

impl Owners {
    /// Makes the owners of these sockets known; true if some process could not be looked at.
    pub(super) fn find(&mut self, inodes: impl Iterator<Item = u32>) -> bool {
        let all: HashSet<u32> = inodes.filter(|inode| *inode != 0).collect();
        self.known.retain(|inode, owner| all.contains(inode) && owner.is_some());
        let sought: HashSet<u32> = all.into_iter().filter(|inode| !self.known.contains_key(inode)).collect();
        if sought.is_empty() {
            return false;
        }
        let (holders, denied) = holders(&sought);
        let mut pids: Vec<u32> = holders.values().copied().collect();
        pids.sort_unstable();
        pids.dedup();
        let owners: HashMap<u32, Owner> =
            pids.into_par_iter().filter_map(|pid| Some((pid, owner(pid)?))).collect();
        for (inode, pid) in holders {
            self.known.insert(inode, owners.get(&pid).cloned());
        }
        denied
    }

    pub(super) fn of(&self, inode: u32) -> Option<&Owner> {
        self.known.get(&inode)?.as_ref()
    }
}

/// All processes, the oldest numbers first.
pub(super) fn pids() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut pids: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    pids
}

/// The first process that holds each socket, as far as may be seen; true if some process could not be looked at.
fn holders(sought: &HashSet<u32>) -> (HashMap<u32, u32>, bool) {
    let mut holders: HashMap<u32, u32> = HashMap::with_capacity(sought.len());
    let mut denied = false;
    for lot in pids().chunks(LOT) {
        let held: Vec<Option<Vec<u32>>> = lot.par_iter().map(|pid| held(*pid, sought)).collect();
        for (pid, held) in lot.iter().zip(held) {
            denied |= held.is_none();
            for inode in held.into_iter().flatten() {
                holders.entry(inode).or_insert(*pid);
            }
        }
        if holders.len() == sought.len() {
            break;
        }
    }
    (holders, denied)
}

/// The sockets among those sought that a process holds; nothing if it may not be looked at. One that has gone holds none.
fn held(pid: u32, sought: &HashSet<u32>) -> Option<Vec<u32>> {
    let folder = match open(pid) {
        Err(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM) => return None,
        Err(_) => return Some(Vec::new()),
        Ok(folder) => folder,
    };
    let descriptors = descriptors(&folder);
    let socket = |name: &CString| socket(&folder, name).filter(|inode| sought.contains(inode));
    Some(match descriptors.len() {
        0..=SHARE => descriptors.iter().filter_map(socket).collect(),
        _ => descriptors.par_chunks(SHARE).flat_map_iter(|share| share.iter().filter_map(socket)).collect(),
    })
}

fn open(pid: u32) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, format!("/proc/{pid}/fd"), flags, Mode::empty())
}

fn descriptors(folder: &OwnedFd) -> Vec<CString> {
    let names = Dir::read_from(folder).into_iter().flatten().flatten();
    names
        .map(|entry| entry.file_name().to_owned())
        .filter(|name| !name.as_bytes().starts_with(b"."))
        .collect()
}

/// The inode behind a descriptor: its link reads `socket:[12345]`.
fn socket(folder: &impl AsFd, descriptor: &CString) -> Option<u32> {
    let mut buffer = [0; 32];
    let length = readlinkat_raw(folder, descriptor, &mut buffer[..]).ok()?;
    let number = buffer.get(..length)?.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(number).ok()?.parse().ok()
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
