//! A tree of files seen as after chroot: absolute links start at its top, `..` stops there, nothing outside is ever opened,
//! and neither is anything that is not a regular file. Each file is read once, each name and folder looked at once: a thousand
//! files are met by several who ask what they are.

mod ignores;
mod inside;
mod matching;
mod walk;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rayon::prelude::*;
use rustix::fs::{FileType, Stat};

use super::{HashMap, Origin, Progress, SourceId, Sources, Span};
use inside::{Inside, is_out_of_descriptors};
use matching::{LONGEST_PATH, Spent};
pub use walk::{Judged, Walk};

/// The largest file that is read, in bytes. Configuration is a thousand times smaller; what is larger is data.
pub const MAX_FILE: u64 = 8 << 20;

/// As many links as Linux follows in one path (path_resolution(7): ELOOP after 40).
const LINKS: u32 = 40;

/// Files that one thread reads at a time.
const SHARE: usize = 16;

/// Why a path gives no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    #[error("there is no such file")]
    Missing,
    #[error("the link leads to {}, which does not exist in this tree", .0.display())]
    Dangling(PathBuf),
    #[error("an absolute link is not followed in a repository")]
    Outside,
    #[error("too many levels of links")]
    Loop,
    #[error("it is {0}, not a file")]
    NotAFile(&'static str),
    #[error("it has {} MiB, and the audit does not read files over {} MiB", .0.div_ceil(1 << 20), MAX_FILE >> 20)]
    TooLarge(u64),
    #[error("permission denied")]
    Forbidden,
    #[error("{0}")]
    Denied(String),
}

impl Unread {
    /// How a folder is called where a file is wanted.
    pub const FOLDER: &str = "a folder";

    /// What helps, if something does.
    pub fn help(&self) -> Option<String> {
        (*self == Unread::Forbidden).then(|| "run as root to include it".to_owned())
    }
}

/// What stands under a name, links not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    File,
    Folder,
    Link(PathBuf),
    /// A FIFO, socket or device.
    Special(&'static str),
}

/// A folder that cannot be looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    pub why: Unread,
    /// A pattern led into it.
    pub wanted: bool,
}

/// A tree of files below one folder of this machine. Paths are relative to its top; a leading `/` changes nothing.
#[derive(Debug)]
pub struct Tree {
    inside: Inside,
    label: Option<String>,
    absolute_links: bool,
    folders: Mutex<HashMap<OsString, Result<PathBuf, Unread>>>,
    /// By real path, as those below.
    files: Mutex<HashMap<OsString, Result<SourceId, Unread>>>,
    entries: Mutex<HashMap<OsString, Result<Entry, Unread>>>,
    lists: Mutex<HashMap<OsString, Arc<[OsString]>>>,
    /// A file whose bytes were given, whether or not it exists.
    given: Option<PathBuf>,
    opened: AtomicUsize,
    spent: Spent,
    /// Where a bound was reached, and what is left out for it.
    cuts: Mutex<BTreeSet<(PathBuf, String)>>,
    /// Folders that cannot be looked into, by their real paths.
    closed: Mutex<BTreeMap<PathBuf, Closed>>,
    large: Mutex<BTreeMap<PathBuf, u64>>,
    progress: Arc<Progress>,
}

impl Tree {
    /// `top` is a folder of this machine. In a repository absolute links mean some other machine, so they lead nowhere.
    pub fn open(top: &Path, absolute_links: bool) -> io::Result<Self> {
        let top = fs::canonicalize(top)?;
        // A folder that cannot be listed is no empty one.
        fs::read_dir(&top)?;
        Ok(Self::new(top, absolute_links))
    }

    /// A tree around one file whose bytes are given: what stands beside it in its folder can be included by it. Neither has
    /// to exist.
    pub fn around(sources: &Sources, folder: &Path, name: &Path, bytes: Vec<u8>) -> Self {
        let top = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let tree = Self { given: Some(name.to_owned()), ..Self::new(top, false) };
        let read = match bytes.len() as u64 {
            long if long > MAX_FILE => Err(Unread::TooLarge(long)),
            _ => Ok(sources.add(tree.origin(name.to_owned()), bytes)),
        };
        lock(&tree.files).insert(name.into(), read);
        tree.opened.fetch_add(1, Ordering::Relaxed);
        tree
    }

    fn new(top: PathBuf, absolute_links: bool) -> Self {
        Self {
            inside: Inside::new(top),
            label: None,
            absolute_links,
            folders: Mutex::default(),
            files: Mutex::default(),
            entries: Mutex::default(),
            lists: Mutex::default(),
            given: None,
            opened: AtomicUsize::new(0),
            spent: Spent::default(),
            cuts: Mutex::default(),
            closed: Mutex::default(),
            large: Mutex::default(),
            progress: Arc::default(),
        }
    }

    /// The name that reports use for this tree when there are several.
    pub fn labelled(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Lets somebody watch how far the reading has come.
    pub fn watched_by(&mut self, progress: &Arc<Progress>) {
        self.progress = Arc::clone(progress);
    }

    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// The folder of this machine that the tree stands in.
    pub fn top(&self) -> &Path {
        self.inside.top()
    }

    /// Gives back what is held open. Whoever asks for more opens it anew.
    pub fn rest(&self) {
        self.inside.rest();
    }

    /// Remembers that a bound was reached at a path, once for each.
    pub fn cut_off(&self, path: PathBuf, what: String) {
        lock(&self.cuts).insert((path, what));
    }

    /// Files that somebody wanted to read and that are too large for that, by their real paths.
    pub fn too_large(&self) -> Vec<(PathBuf, Unread)> {
        let large = lock(&self.large);
        large.iter().map(|(path, size)| (path.clone(), Unread::TooLarge(*size))).collect()
    }

    /// Tells the sources where bounds of the tree were reached.
    pub fn tell_cuts(&self, sources: &Sources) {
        for (path, what) in std::mem::take(&mut *lock(&self.cuts)) {
            // What concerns the tree as a whole stands at its top, which needs a name.
            let path = if path.as_os_str().is_empty() { PathBuf::from(".") } else { path };
            sources.cut_off(Span::top(self.unread(sources, &path)), what);
        }
    }

    /// The real path of what `path` leads to, relative to the top.
    pub fn resolve(&self, path: &Path) -> Result<PathBuf, Unread> {
        if self.is_real(path) {
            return Ok(path.to_owned());
        }
        self.resolve_after(path, 0)
    }

    /// Whether a path is known to be the real one of what it leads to.
    fn is_real(&self, path: &Path) -> bool {
        let known = lock(&self.entries);
        matches!(known.get(path.as_os_str()), Some(Ok(Entry::File | Entry::Folder | Entry::Special(_))))
    }

    fn resolve_after(&self, path: &Path, links: u32) -> Result<PathBuf, Unread> {
        let plain = plain(path);
        let Some(last) = plain.components().next_back() else { return Ok(PathBuf::new()) };
        if plain.as_os_str().len() >= LONGEST_PATH {
            return Err(Unread::Missing);
        }
        let mut real = self.folder(plain.parent().unwrap_or(Path::new("")), links)?;
        if last == Component::ParentDir {
            real.pop();
            return Ok(real);
        }
        real.push(last);
        match self.entry_at(&real)? {
            Entry::Link(_) if links >= LINKS => Err(Unread::Loop),
            Entry::Link(target) if target.is_absolute() && !self.absolute_links => Err(Unread::Outside),
            Entry::Link(target) => {
                let from =
                    if target.is_absolute() { Path::new("") } else { real.parent().unwrap_or(Path::new("")) };
                self.resolve_after(&from.join(target.strip_prefix("/").unwrap_or(&target)), links + 1)
                    .map_err(|why| match why {
                        Unread::Missing => Unread::Dangling(target),
                        other => other,
                    })
            }
            _ => Ok(real),
        }
    }

    /// The real path of a folder, remembered, because thousands of files share one.
    fn folder(&self, path: &Path, links: u32) -> Result<PathBuf, Unread> {
        if path.as_os_str().is_empty() {
            return Ok(PathBuf::new());
        }
        if let Some(known) = lock(&self.folders).get(path.as_os_str()) {
            return known.clone();
        }
        let found = self.resolve_after(path, links);
        if links == 0 || found.is_ok() {
            lock(&self.folders).insert(path.into(), found.clone());
        }
        found
    }

    /// What stands at `path`: folders on the way are resolved, the last name is not followed.
    pub fn entry(&self, path: &Path) -> Result<Entry, Unread> {
        let folder =
            self.folder(path.strip_prefix("/").unwrap_or(path).parent().unwrap_or(Path::new("")), 0)?;
        match path.file_name() {
            Some(name) => self.entry_at(&folder.join(name)),
            None => Ok(Entry::Folder),
        }
    }

    fn entry_at(&self, real: &Path) -> Result<Entry, Unread> {
        if self.given.as_deref() == Some(real) {
            return Ok(Entry::File);
        }
        if let Some(known) = lock(&self.entries).get(real.as_os_str()) {
            return known.clone();
        }
        let found = self.look_at(real);
        lock(&self.entries).insert(real.into(), found.clone());
        found
    }

    fn look_at(&self, real: &Path) -> Result<Entry, Unread> {
        let found = self.inside.stat(real).map_err(|error| {
            // A name is looked for in its folder.
            self.close(real.parent().unwrap_or(Path::new("")), &error);
            unread(&error)
        })?;
        match FileType::from_raw_mode(found.st_mode) {
            FileType::Symlink => self.inside.read_link(real).map(Entry::Link).map_err(|error| unread(&error)),
            kind => Ok(entry_of(kind)),
        }
    }

    /// The length of a regular file, by its real path.
    pub fn length(&self, real: &Path) -> Option<u64> {
        length_of(&self.inside.stat(real).ok()?)
    }

    pub fn exists(&self, path: &Path) -> bool {
        self.resolve(path).is_ok_and(|real| self.entry_at(&real).is_ok())
    }

    pub fn is_folder(&self, path: &Path) -> bool {
        self.resolve(path)
            .is_ok_and(|real| real.as_os_str().is_empty() || self.entry_at(&real) == Ok(Entry::Folder))
    }

    /// The names in a folder, hidden ones too, in byte order. An absent folder has none.
    pub fn list(&self, path: &Path) -> Vec<OsString> {
        self.names(path).to_vec()
    }

    fn names(&self, path: &Path) -> Arc<[OsString]> {
        let Ok(real) = self.resolve(path) else { return Arc::default() };
        if let Some(known) = lock(&self.lists).get(real.as_os_str()) {
            return Arc::clone(known);
        }
        let mut names: Vec<OsString> = Vec::new();
        for (name, kind) in self.listed(&real) {
            // A listing says of most names what they are.
            if matches!(kind, FileType::RegularFile | FileType::Directory) {
                self.remember(real.join(&name), entry_of(kind));
            }
            names.push(name);
        }
        names.sort_unstable();
        let names: Arc<[OsString]> = names.into();
        lock(&self.lists).insert(real.into(), Arc::clone(&names));
        names
    }

    /// The names in a folder by its real path; that there is no descriptor left to list it with is told.
    fn listed(&self, real: &Path) -> Vec<(OsString, FileType)> {
        self.inside.list(real).unwrap_or_else(|error| {
            if is_out_of_descriptors(&error) {
                self.cut_off(real.to_owned(), format!("cannot look into this folder: {error}"));
            }
            self.close(real, &error);
            Vec::new()
        })
    }

    /// Remembers a folder that is there and cannot be looked into.
    fn close(&self, real: &Path, error: &io::Error) {
        use rustix::io::Errno;
        if let Some(Errno::ACCESS | Errno::PERM | Errno::IO | Errno::STALE) = Errno::from_io_error(error) {
            let closed = || Closed { why: unread(error), wanted: false };
            lock(&self.closed).entry(real.to_owned()).or_insert_with(closed);
        }
    }

    /// The folders that could not be looked into since this was asked last, by their real paths. It is forgotten that they were:
    /// whoever wants what is in them makes them known again.
    pub fn closed(&self) -> BTreeMap<PathBuf, Closed> {
        let closed = std::mem::take(&mut *lock(&self.closed));
        if !closed.is_empty() {
            lock(&self.folders).retain(|_, found| found.is_ok());
            lock(&self.entries).retain(|_, found| found.is_ok());
            closed.keys().for_each(|path| drop(lock(&self.lists).remove(path.as_os_str())));
        }
        closed
    }

    /// The first bytes of a file that is no audited one, at most `most`; it becomes no source and does not count as read.
    pub fn glance(&self, real: &Path, most: u64) -> Result<Vec<u8>, Unread> {
        let mut bytes = Vec::new();
        let file = self.opened(real)?.0;
        file.take(most).read_to_end(&mut bytes).map_err(|error| unread(&error))?;
        Ok(bytes)
    }

    /// What stands at a real path, as a listing of its folder has shown.
    fn remember(&self, real: PathBuf, entry: Entry) {
        lock(&self.entries).entry(real.into()).or_insert(Ok(entry));
    }

    /// Reads a file, once: asked again, also by another name, it gives the same source.
    pub fn read(&self, sources: &Sources, path: &Path) -> Result<SourceId, Unread> {
        if let Some(known) = self.known(path) {
            return known;
        }
        let real = self.resolve(path)?;
        if let Some(known) = self.known(&real) {
            return known;
        }
        let read = self.bytes(&real);
        // Another thread may have read the same file meanwhile: the first one in stays.
        lock(&self.files)
            .entry(real.as_os_str().to_owned())
            .or_insert_with(|| read.map(|bytes| sources.add(self.origin(real), bytes)))
            .clone()
    }

    /// What came of reading a file, by its real path.
    fn known(&self, real: &Path) -> Option<Result<SourceId, Unread>> {
        lock(&self.files).get(real.as_os_str()).cloned()
    }

    /// The bytes of a file that is no audited one: it becomes no source.
    pub fn peek(&self, path: &Path) -> Result<Vec<u8>, Unread> {
        self.bytes(&self.resolve(path)?)
    }

    /// Reads a file that may not matter: it becomes a source only if `keep` says so.
    pub fn read_if(
        &self,
        sources: &Sources,
        path: &Path,
        keep: impl FnOnce(&[u8]) -> bool,
    ) -> Result<Option<SourceId>, Unread> {
        let real = self.resolve(path)?;
        if let Some(known) = self.known(&real) {
            return known.map(|id| keep(sources.bytes(id)).then_some(id));
        }
        let bytes = self.bytes(&real)?;
        if !keep(&bytes) {
            return Ok(None);
        }
        let mut files = lock(&self.files);
        let add = || Ok(sources.add(self.origin(real.clone()), bytes));
        files.entry(real.as_os_str().to_owned()).or_insert_with(add).clone().map(Some)
    }

    /// Reads many files at once. The one place where the audit of a tree is parallel.
    pub fn read_all<T: Send>(&self, paths: &[PathBuf], read: impl Fn(&Path) -> T + Sync) -> Vec<T> {
        self.progress.expect(paths.len());
        let one = |path: &PathBuf| {
            let found = read(path);
            self.progress.step();
            found
        };
        match paths.len() {
            // Threads take longer to start than so few files to read.
            0..=SHARE => paths.iter().map(one).collect(),
            _ => paths.par_iter().with_min_len(SHARE).map(one).collect(),
        }
    }

    /// A source without text that stands for a file which cannot be read, so that a finding can name it.
    pub fn unread(&self, sources: &Sources, path: &Path) -> SourceId {
        sources.add(self.origin(path.to_owned()), Vec::new())
    }

    /// How many files have been read.
    pub fn files_read(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }

    /// A file that is not there yet, for a fix that creates it.
    pub fn absent(&self, sources: &Sources, path: &Path) -> SourceId {
        let origin = Origin::Absent { root: self.label.clone(), path: path.to_owned() };
        sources.add(origin, Vec::new())
    }

    fn origin(&self, path: PathBuf) -> Origin {
        Origin::File { root: self.label.clone(), path }
    }

    fn bytes(&self, real: &Path) -> Result<Vec<u8>, Unread> {
        let read = self.read_bytes(real);
        if let Err(Unread::TooLarge(size)) = read {
            lock(&self.large).insert(real.to_owned(), size);
        }
        read
    }

    /// Opens a regular file, and says how long it is.
    fn opened(&self, real: &Path) -> Result<(fs::File, u64), Unread> {
        // Known before it is opened, because opening a device or a FIFO can do things; and looked at again afterwards, because
        // the tree may change under us.
        match self.entry_at(real)? {
            Entry::File => {}
            Entry::Folder => return Err(Unread::NotAFile(Unread::FOLDER)),
            Entry::Link(_) => return Err(Unread::Loop),
            Entry::Special(kind) => return Err(Unread::NotAFile(kind)),
        }
        let file = self.inside.open(real).map_err(|error| unread(&error))?;
        let found = rustix::fs::fstat(&file).map_err(|error| unread(&error.into()))?;
        let Some(length) = length_of(&found) else {
            return Err(Unread::NotAFile(special(FileType::from_raw_mode(found.st_mode))));
        };
        Ok((file, length))
    }

    fn read_bytes(&self, real: &Path) -> Result<Vec<u8>, Unread> {
        let (file, length) = self.opened(real)?;
        if length > MAX_FILE {
            return Err(Unread::TooLarge(length));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
        // What has no size, as in /proc, may still have content.
        let most = if length > 0 { length } else { MAX_FILE + 1 };
        file.take(most).read_to_end(&mut bytes).map_err(|error| unread(&error))?;
        self.opened.fetch_add(1, Ordering::Relaxed);
        match bytes.len() as u64 {
            long if long > MAX_FILE => Err(Unread::TooLarge(long)),
            _ => Ok(bytes),
        }
    }
}

/// When a file below a folder of this machine was changed last, in seconds since 1970, by its real path there.
pub fn modified(top: &Path, real: &Path) -> Option<u64> {
    let found = Inside::new(top.to_owned()).stat(real).ok()?;
    // Its type differs between systems.
    #[allow(clippy::unnecessary_fallible_conversions, clippy::useless_conversion)]
    u64::try_from(found.st_mtime).ok()
}

fn unread(error: &io::Error) -> Unread {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Unread::Missing,
        io::ErrorKind::PermissionDenied => Unread::Forbidden,
        kind => Unread::Denied(kind.to_string()),
    }
}

/// What a name is that is no link.
/// The length of a regular file.
fn length_of(found: &Stat) -> Option<u64> {
    let is_file = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
    u64::try_from(found.st_size).ok().filter(|_| is_file)
}

fn entry_of(kind: FileType) -> Entry {
    match kind {
        FileType::RegularFile => Entry::File,
        FileType::Directory => Entry::Folder,
        kind => Entry::Special(special(kind)),
    }
}

fn special(kind: FileType) -> &'static str {
    match kind {
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::Directory => Unread::FOLDER,
        _ => "a device",
    }
}

/// A path from the root without what says nothing in it: nearly all are that already.
fn plain(path: &Path) -> Cow<'_, Path> {
    let parts = path.as_os_str().as_encoded_bytes();
    if parts.split(|byte| *byte == b'/').all(|part| !part.is_empty() && part != b".") {
        return Cow::Borrowed(path);
    }
    let says_nothing = |part: &Component| matches!(part, Component::RootDir | Component::CurDir);
    Cow::Owned(path.components().filter(|part| !says_nothing(part)).collect())
}

/// A panic elsewhere cannot leave a map of finished readings half-written.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
