//! Opens, lists and looks at what lies below one folder of this machine, by descriptors of folders: whoever exchanges a folder
//! for a link meanwhile does not get us to look outside. Paths are real ones, relative to that folder: a link in them is a fault.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};

use super::lock;
use crate::text::HashMap;

/// Descriptors of folders that are kept: what is asked for next mostly lies beside what was asked for last.
const KEPT: usize = 64;

/// A folder is only passed through or listed anew from here, so leave to search it is enough.
#[cfg(target_os = "linux")]
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

#[derive(Debug)]
pub(super) struct Inside {
    top: PathBuf,
    folders: Mutex<HashMap<OsString, Arc<OwnedFd>>>,
}

impl Inside {
    pub(super) fn new(top: PathBuf) -> Self {
        Self { top, folders: Mutex::default() }
    }

    pub(super) fn top(&self) -> &Path {
        &self.top
    }

    /// What stands at a path, its last name not followed.
    pub(super) fn stat(&self, real: &Path) -> io::Result<Stat> {
        let (folder, name) = self.place(real)?;
        Ok(rustix::fs::statat(&*folder, name, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    pub(super) fn read_link(&self, real: &Path) -> io::Result<PathBuf> {
        let (folder, name) = self.place(real)?;
        let target = rustix::fs::readlinkat(&*folder, name, Vec::new())?;
        Ok(OsString::from_vec(target.into_bytes()).into())
    }

    /// Opens a file to read it, without waiting for whoever may write a FIFO.
    pub(super) fn open(&self, real: &Path) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        self.patiently(|| {
            let (folder, name) = self.place(real)?;
            Ok(File::from(rustix::fs::openat(&*folder, name, flags, Mode::empty())?))
        })
    }

    /// The names in a folder and what they are, as far as the listing says.
    pub(super) fn list(&self, real: &Path) -> io::Result<Vec<(OsString, FileType)>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened =
            self.patiently(|| Ok(rustix::fs::openat(&*self.folder(real)?, ".", flags, Mode::empty())?));
        let entries = Dir::new(opened?)?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                names.push((name.to_owned(), entry.file_type()));
            }
        }
        Ok(names)
    }

    /// The number of the file system that a folder lies on.
    pub(super) fn device(&self, real: &Path) -> io::Result<u64> {
        // Its type differs between systems.
        #[allow(clippy::unnecessary_cast)]
        Ok(rustix::fs::fstat(&*self.folder(real)?)?.st_dev as u64)
    }

    /// The folder that a name stands in, and the name.
    fn place<'p>(&self, real: &'p Path) -> io::Result<(Arc<OwnedFd>, &'p OsStr)> {
        match real.file_name() {
            Some(name) => Ok((self.folder(real.parent().unwrap_or(Path::new("")))?, name)),
            None => Ok((self.folder(Path::new(""))?, OsStr::new("."))),
        }
    }

    /// Gives back the descriptors that are kept: there may be many trees.
    pub(super) fn rest(&self) {
        lock(&self.folders).clear();
    }

    fn folder(&self, real: &Path) -> io::Result<Arc<OwnedFd>> {
        if let Some(known) = lock(&self.folders).get(real.as_os_str()) {
            return Ok(Arc::clone(known));
        }
        let folder = Arc::new(self.patiently(|| match real.as_os_str().is_empty() {
            true => Ok(rustix::fs::open(&self.top, FOLDER, Mode::empty())?),
            false => below(&*self.folder(Path::new(""))?, real),
        })?);
        self.keep(real, &folder);
        Ok(folder)
    }

    /// Opens once more with those given back that are kept, where none is left.
    fn patiently<T>(&self, open: impl Fn() -> io::Result<T>) -> io::Result<T> {
        match open() {
            Err(error) if is_out_of_descriptors(&error) => {
                self.rest();
                open()
            }
            opened => opened,
        }
    }

    /// The top stays: all others are opened from it.
    fn keep(&self, real: &Path, folder: &Arc<OwnedFd>) {
        let mut folders = lock(&self.folders);
        if folders.len() >= KEPT {
            folders.retain(|path, _| path.is_empty());
        }
        folders.insert(real.into(), Arc::clone(folder));
    }
}

pub(super) fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(
        rustix::io::Errno::from_io_error(error),
        Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE)
    )
}

/// Opens a folder below another one where no name on the way is a link.
#[cfg(target_os = "linux")]
fn below(top: &OwnedFd, real: &Path) -> io::Result<OwnedFd> {
    use rustix::fs::ResolveFlags;
    let stay = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(top, real, FOLDER, Mode::empty(), stay) {
        // Before Linux 5.6, or where a filter of system calls does not know it.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => step_by_step(top, real),
        opened => Ok(opened?),
    }
}

#[cfg(not(target_os = "linux"))]
fn below(top: &OwnedFd, real: &Path) -> io::Result<OwnedFd> {
    step_by_step(top, real)
}

/// The same by one descriptor a folder.
fn step_by_step(top: &OwnedFd, real: &Path) -> io::Result<OwnedFd> {
    let mut folder = rustix::fs::openat(top, ".", FOLDER, Mode::empty())?;
    for name in real.iter().filter(|name| *name != "/") {
        if name == ".." {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        folder = rustix::fs::openat(&folder, name, FOLDER, Mode::empty())?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_on_the_way_is_not_passed_through() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().join("root");
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::create_dir_all(scratch.path().join("outside/b")).unwrap();
        fs::write(root.join("a/b/file"), "in").unwrap();
        fs::write(scratch.path().join("outside/b/file"), "out").unwrap();
        symlink("../outside", root.join("out")).unwrap();
        symlink("a", root.join("in")).unwrap();
        let inside = Inside::new(root.clone());
        assert!(inside.stat(Path::new("a/b/file")).is_ok());
        assert_eq!(inside.read_link(Path::new("out")).unwrap(), Path::new("../outside"));
        for way in ["out/b", "in/b", "../outside/b"] {
            let file = Path::new(way).join("file");
            assert!(inside.open(&file).is_err() && inside.stat(&file).is_err(), "{way}");
            assert!(inside.list(Path::new(way)).is_err(), "{way}");
            let top = rustix::fs::open(&root, FOLDER, Mode::empty()).unwrap();
            assert!(below(&top, Path::new(way)).is_err() && step_by_step(&top, Path::new(way)).is_err());
        }
        // Exchanged after it was looked at.
        fs::rename(root.join("a"), root.join("moved")).unwrap();
        symlink("../outside", root.join("a")).unwrap();
        let late = Inside::new(root);
        assert!(late.open(Path::new("a/b/file")).is_err() && late.list(Path::new("a")).is_err());
    }

    #[test]
    fn both_ways_lead_to_the_same_folder() {
        let scratch = tempfile::tempdir().unwrap();
        fs::create_dir_all(scratch.path().join("a/b/c")).unwrap();
        let top = rustix::fs::open(scratch.path(), FOLDER, Mode::empty()).unwrap();
        let number = |folder: OwnedFd| rustix::fs::fstat(folder).unwrap().st_ino;
        let real = Path::new("a/b/c");
        assert_eq!(number(below(&top, real).unwrap()), number(step_by_step(&top, real).unwrap()));
    }

    #[test]
    fn few_descriptors_are_kept() {
        let scratch = tempfile::tempdir().unwrap();
        let inside = Inside::new(scratch.path().to_owned());
        for folder in 0..3 * KEPT {
            let folder = folder.to_string();
            fs::create_dir(scratch.path().join(&folder)).unwrap();
            assert!(inside.stat(&Path::new(&folder).join("none")).is_err());
            assert!(lock(&inside.folders).len() <= KEPT);
        }
        assert!(lock(&inside.folders).contains_key(OsStr::new("")));
    }
}
